//! Kinds of other projects, for the rules that read them.

use crate::fixtures::Fixture;
use crate::kinds::{Kinds, kind};
use anyhow::{Result, ensure};
use serde_json::Value;
use snc_core::control::Control;
use snc_e2e::api::Api;
use snc_e2e::definitions;
use snc_e2e::wait::within;
use std::collections::BTreeSet;
use std::time::Duration;

/// All kinds that there are, once these are served.
pub fn install(api: &Api, wanted: &BTreeSet<&str>) -> Result<Kinds> {
    let awaited = definitions::install(api, wanted)?;
    // The list of all groups follows a little later.
    within(Duration::from_secs(60), "the kinds to be listed", || {
        let kinds = Kinds::served(api)?;
        let missing: Vec<_> = awaited.iter().filter(|kind| !kinds.has(kind)).collect();
        ensure!(missing.is_empty(), "{missing:?}");
        Ok(kinds)
    })
}

/// Of fixtures that no rule is asked about, the objects of these kinds.
pub fn objects<'a>(checks: &'a [(&Control, Fixture)]) -> Vec<(&'a str, &'a Value)> {
    let ours: BTreeSet<&str> = definitions::known().collect();
    let mut found = Vec::new();
    for (control, fixture) in checks {
        for case in fixture.cases.iter().filter(|case| case.server) {
            let objects = case.object.iter().chain(&case.objects);
            let objects = objects.filter(|object| kind(object).is_some_and(|kind| ours.contains(&*kind)));
            found.extend(objects.map(|object| (control.id.as_str(), object)));
        }
    }
    found
}
