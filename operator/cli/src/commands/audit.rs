//! `audit`: a live cluster by the reader's own rights; no operator is needed.

use super::scan::{outcome, shown};
use crate::args::Args;
use crate::args::scan::ScanArgs;
use crate::cluster::{Cluster, Exceptions, Kind, unread};
use crate::model::scan::{Of, report};
use crate::outcome::{Answer, Outcome};
use crate::scan::Scanned;
use crate::tailoring::{Tailored, tailor};
use jiff::Timestamp;
use snc_catalogue::{Catalogue, Judge, Zones};
use snc_core::names::SYSTEM_NAMESPACES;
use snc_core::snapshot::Availability;
use snc_plan::waivers::InForce;
use std::collections::BTreeMap;

pub async fn run(args: &Args, asked: &ScanArgs, cluster: &Cluster) -> Result<Answer, Outcome> {
    let lang = args.lang;
    let Tailored { profile, tailoring } = tailor(asked, lang)?;
    let catalogue = Catalogue::on_demand().map_err(|broken| Outcome::undecided(broken.to_string()))?;
    let canary = args.settings.tenant_canary();
    let ours =
        [&args.settings.identity.namespace, &args.settings.canary_namespace, &canary].map(String::as_str);
    let zones = Zones::new(profile, SYSTEM_NAMESPACES.into_iter().chain(ours));
    let mut judge = Judge::new(&catalogue, &zones);
    judge.set_home(&args.settings.identity.namespace);
    let kinds = catalogue.reads();
    let served = cluster.served(&kinds).await.map_err(|trouble| Outcome::undecided(trouble.message(lang)))?;
    let (mut objects, mut told) = (0, Vec::new());
    let mut to_come = served.iter();
    let mut ask = || to_come.next().map(|(kind, resource)| cluster.begin(kind, resource));
    let mut next = ask();
    for kind in &kinds {
        if !served.contains_key(kind) {
            judge.set(kind, Availability::NotServed);
            continue;
        }
        // Both are in the order of the kinds.
        let Some(listing) = std::mem::replace(&mut next, ask()) else { continue };
        match listing.judge(&mut judge).await {
            Ok(count) => {
                objects += count;
                judge.set(kind, Availability::Held);
            }
            Err(trouble) => {
                told.push(trouble.message(lang));
                judge.set(kind, unread(&trouble));
            }
        }
    }
    let now = Timestamp::now();
    let exceptions = match cluster.exceptions().await {
        Ok(exceptions) => exceptions,
        // Nobody waived anything.
        Err(trouble) if trouble.kind == Kind::NotServed => Exceptions::default(),
        Err(trouble) => {
            told.push(trouble.message(lang));
            Exceptions::default()
        }
    };
    judge.waive(InForce::of(exceptions.readable(), |id| exceptions.severity(id), now).waivers);
    let evaluation = judge.conclude(now);
    let scanned = Scanned { evaluation, places: BTreeMap::new(), wrong: Vec::new(), objects, foreign: 0 };
    let report = report(&catalogue, &scanned, Of::Cluster, asked.profile.level, tailoring, lang);
    let text = shown(&report, &catalogue, args).map_err(|error| super::unprintable(&error))?;
    let mut outcome = outcome(&report, asked, args);
    // What could not be read was not judged, whatever else was asked for.
    outcome.undecided |= !told.is_empty();
    outcome.reasons.extend(told);
    Ok(Answer { text, outcome })
}
