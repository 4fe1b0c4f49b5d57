//! What it takes to seal a day of a million events, and to find some of them again.
//!
//! `cargo run --release -p snc-auditlog --example measure -- [directory] [records] [records per segment]`

use jiff::{SignedDuration, Timestamp};
use snc_auditlog::{Algorithm, Check, Keys, NewRecord, Options, Partition, Query, Reader, Source, Writer};
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "get"];
const RESOURCES: [(&str, &str); 8] = [
    ("pods", ""),
    ("configmaps", ""),
    ("leases", "coordination.k8s.io"),
    ("secrets", ""),
    ("deployments", "apps"),
    ("endpointslices", "discovery.k8s.io"),
    ("events", ""),
    ("nodes", ""),
];

/// Numbers that look like chance, and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let at = usize::try_from(self.roll(all.len() as u64)).unwrap_or(0);
        all[at]
    }
}

/// As the API server writes them at level Metadata.
fn event(dice: &mut Dice, at: Timestamp) -> String {
    let (resource, group) = dice.of(&RESOURCES);
    let (verb, namespace, name) = (dice.of(&VERBS), dice.roll(200), dice.roll(20_000));
    let user = match dice.roll(10) {
        0..7 => format!("system:serviceaccount:ns-{namespace}:controller-{}", dice.roll(5)),
        7..9 => format!("system:node:node-{}", dice.roll(50)),
        _ => format!("person-{}@example.org", dice.roll(300)),
    };
    let id = format!(
        "{:08x}-{:04x}-4{:03x}-9{:03x}-{:012x}",
        dice.roll(1 << 32),
        dice.roll(1 << 16),
        dice.roll(1 << 12),
        dice.roll(1 << 12),
        dice.roll(1 << 48)
    );
    let code = if dice.roll(50) == 0 { 403 } else { 200 };
    let (uid, address) = (dice.roll(1 << 60), dice.roll(250));
    let received = at - SignedDuration::from_micros(i64::try_from(dice.roll(9000)).unwrap_or(0));
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{id}","stage":"ResponseComplete","requestURI":"/apis/{group}/v1/namespaces/ns-{namespace}/{resource}/{resource}-{name}?timeout=10s","verb":"{verb}","user":{{"username":"{user}","uid":"{uid:016x}-{uid:016x}","groups":["system:serviceaccounts","system:serviceaccounts:ns-{namespace}","system:authenticated"],"extra":{{"authentication.kubernetes.io/credential-id":["JTI={id}"],"authentication.kubernetes.io/node-name":["node-{address}"],"authentication.kubernetes.io/pod-name":["controller-{name}"]}}}},"sourceIPs":["10.0.3.{address}"],"userAgent":"controller/v1.36.3 (linux/amd64) kubernetes/abcdef0","objectRef":{{"resource":"{resource}","namespace":"ns-{namespace}","name":"{resource}-{name}","apiGroup":"{group}","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":{code}}},"requestReceivedTimestamp":"{received}","stageTimestamp":"{at}","annotations":{{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"controller/ns-{namespace}\" of Role \"controller\" to ServiceAccount \"controller/ns-{namespace}\""}}}}"#
    )
}

fn start() -> Timestamp {
    Timestamp::from_second(1_795_392_000).unwrap_or_default()
}

/// One day of it, unless it is there already.
async fn fill(writer: &mut Writer, total: u64, per_segment: u64) -> Result<(), Box<dyn Error>> {
    let partition = Partition::Platform;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let step = SignedDuration::from_micros(i64::try_from(86_400_000_000 / total)?);
    let (mut at, mut position) = (start(), writer.through(&partition).unwrap_or(0));
    let (mut raw, mut stored, mut building, mut writing) = (0, 0, 0.0, 0.0);
    if position >= total {
        return Ok(());
    }
    while position < total {
        let count = usize::try_from(per_segment.min(total - position))?;
        let next = || {
            position += 1;
            at += step;
            let (server, why) = ("api-1".to_owned(), "Platform".to_owned());
            let raw = event(&mut dice, at);
            NewRecord { position, received: at, source: Source::File, server, why, raw }
        };
        let records: Vec<NewRecord> = std::iter::repeat_with(next).take(count).collect();
        let clock = Instant::now();
        let mut builder = writer.begin(&partition).await?;
        for record in &records {
            builder.push(record)?;
        }
        building += clock.elapsed().as_secs_f64();
        let clock = Instant::now();
        for manifest in writer.commit(builder, at + SignedDuration::from_hours(184 * 24), at).await? {
            raw += manifest.raw_bytes;
            stored += manifest.stored_bytes();
        }
        writing += clock.elapsed().as_secs_f64();
    }
    writer.head(at).await?;
    let (records, all) = (f64::from(u32::try_from(total)?), building + writing);
    println!("chain, index, zstd: {:.0} records/s", records / building);
    println!("with signature and fsync of three objects a segment: {:.0} records/s", records / all);
    let share = 1000 * stored / raw;
    println!(
        "{} bytes a record, {} MiB; stored {} MiB: {share} per thousand",
        raw / total,
        raw >> 20,
        stored >> 20
    );
    Ok(())
}

fn questions() -> [(&'static str, Query); 6] {
    let all = || Query::of(Partition::Platform);
    let some = |text: &str| Some(text.to_owned());
    let noon = start() + SignedDuration::from_hours(12);
    let (resource, name) = (some("secrets"), some("secrets-4711"));
    [
        ("nobody", Query { user: some("nobody"), ..all() }),
        ("one person", Query { user: some("person-7@example.org"), ..all() }),
        ("one object", Query { resource, name, ..all() }),
        (
            "refused deletions",
            Query { verb: some("delete"), code: Some(403), namespace: some("ns-3"), ..all() },
        ),
        (
            "one minute",
            Query { since: Some(noon), until: Some(noon + SignedDuration::from_mins(1)), ..all() },
        ),
        ("everything, its first page", all()),
    ]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().unwrap_or_else(|| "/tmp/snc-auditlog-measure".to_owned()));
    let total: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let per_segment: u64 = arguments.next().map_or(Ok(3_500), |text| text.parse())?;
    let store = snc_auditlog::open(&dir.join("store").display().to_string(), &Options::default())?.store;
    let keys = Keys::open(&dir.join("keys"), Algorithm::Es256, start())?;
    let mut writer = Writer::open(store.clone(), keys).await?;
    fill(&mut writer, total, per_segment).await?;
    let reader = Reader::open(store.clone(), None).await?;
    for round in ["first", "again"] {
        for (name, query) in &questions() {
            let clock = Instant::now();
            let page = reader.query(query).await?;
            let milliseconds = clock.elapsed().as_secs_f64() * 1000.0;
            let (records, more) = (page.records.len(), page.is_truncated());
            println!("{round}: {name}: {records} records in {milliseconds:.0} ms, more: {more}");
            if let Some(finding) = page.findings.first() {
                return Err(finding.text().en.into());
            }
        }
    }
    let clock = Instant::now();
    let check = Check { anchors: Vec::new(), trusted: None, now: start() + SignedDuration::from_hours(48) };
    let report = snc_auditlog::verify(&store, &check).await?;
    println!("verified in {:.1} s: {} findings", clock.elapsed().as_secs_f64(), report.total);
    Ok(())
}
