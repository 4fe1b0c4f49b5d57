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

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().unwrap_or_else(|| "/tmp/snc-auditlog-measure".to_owned()));
    let total: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let per_segment: u64 = arguments.next().map_or(Ok(3_500), |text| text.parse())?;
    let store = snc_auditlog::open(&dir.join("store").display().to_string(), &Options::default())?.store;
    let start: Timestamp = "2026-11-23T00:00:00Z".parse()?;
    let keys = Keys::open(&dir.join("keys"), Algorithm::Es256, start)?;
    let mut writer = Writer::open(store.clone(), keys).await?;
    let partition: Partition = "platform".parse()?;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let step = SignedDuration::from_micros(i64::try_from(86_400_000_000 / total)?);
    let (mut at, mut position) = (start, writer.through(&partition).unwrap_or(0));
    let (mut raw, mut stored, mut building, mut writing) = (0, 0, 0.0, 0.0);
    let mut some = None;
    while position < total {
        let count = per_segment.min(total - position);
        let records: Vec<NewRecord> = (0..count)
            .map(|_| {
                position += 1;
                at += step;
                let raw = event(&mut dice, at);
                NewRecord {
                    position,
                    received: at,
                    source: Source::File,
                    server: "api-1".to_owned(),
                    why: "Platform".to_owned(),
                    raw,
                }
            })
            .collect();
        some = some.or_else(|| records.get(records.len() / 2).cloned());
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
    if some.is_some() {
        writer.head(at).await?;
        let (records, all) = (f64::from(u32::try_from(total)?), building + writing);
        println!(
            "building: {:.0} records/s; with index, signature and fsync: {:.0} records/s",
            records / building,
            records / all
        );
        println!(
            "raw {} MiB, {} bytes a record; stored {} MiB: {:.3}",
            raw >> 20,
            raw / total,
            stored >> 20,
            stored_share(stored, raw)
        );
    }
    let reader = Reader::open(store.clone(), None).await?;
    let all = || Query::of(partition.clone());
    let questions = [
        ("nobody", Query { user: Some("nobody".to_owned()), ..all() }),
        ("one person", Query { user: Some("person-7@example.org".to_owned()), ..all() }),
        (
            "one object",
            Query {
                resource: Some("secrets".to_owned()),
                namespace: Some("ns-17".to_owned()),
                name: Some("secrets-4711".to_owned()),
                ..all()
            },
        ),
        (
            "deletions refused in one namespace",
            Query {
                verb: Some("delete".to_owned()),
                code: Some(403),
                namespace: Some("ns-3".to_owned()),
                ..all()
            },
        ),
        (
            "one minute",
            Query {
                since: Some(start + SignedDuration::from_hours(12)),
                until: Some(start + SignedDuration::from_mins(721)),
                ..all()
            },
        ),
        ("everything, first page", all()),
    ];
    for round in ["first", "again"] {
        for (name, query) in &questions {
            let clock = Instant::now();
            let page = reader.query(query).await?;
            let milliseconds = clock.elapsed().as_secs_f64() * 1000.0;
            println!(
                "{round}: {name}: {} records in {milliseconds:.0} ms, more: {}",
                page.records.len(),
                page.is_truncated()
            );
            for finding in page.findings {
                return Err(finding.text().en.into());
            }
        }
    }
    let clock = Instant::now();
    let check = Check { anchors: Vec::new(), trusted: None, now: start + SignedDuration::from_hours(48) };
    let report = snc_auditlog::verify(&store, &check).await?;
    println!("verified in {:.1} s: {} findings", clock.elapsed().as_secs_f64(), report.total);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn stored_share(stored: u64, raw: u64) -> f64 {
    stored as f64 / raw as f64
}
