//! Traffic that goes on while something happens: one flow that is declared and one that is not, of which no packet may
//! arrive, whatever happens.

use super::{
    LIMIT, Site,
    outside::HOSTS,
    pods::{ALL, EXPOSED, running},
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use snc_e2e::{objects::Kind, wait::within};
use std::{
    fs,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use xtask::harness::User;

/// Of another tenant than whom it sends to: by a Service, whose address outlives pods, and outside.
const DENIED: (&str, &str) = ("beta-web", "traffic-denied");
/// Declared by both ends.
const ALLOWED: (&str, &str) = ("alpha-web", "traffic-allowed");
const RECEIVER: (&str, &str) = ("alpha-web", "alpha-api");

/// Of the allowed flow, in milliseconds since 1970.
pub struct Arrived {
    pub times: Vec<u64>,
}

impl Arrived {
    /// The longest time in which nothing arrived.
    pub fn longest_gap(&self) -> Duration {
        let gaps = self.times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        Duration::from_millis(gaps.max().unwrap_or_default())
    }
}

impl Site {
    /// Gives when, in milliseconds since 1970.
    pub fn start_traffic(&self) -> Result<u64> {
        let since = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let service = format!("{}:{}", self.service_address(&EXPOSED[0])?, EXPOSED[0].port);
        let outside = format!("{}:8080", HOSTS[0].address);
        for ((namespace, name), label, pause, targets) in [
            (DENIED, "sender", "2", vec![service.as_str(), outside.as_str()]),
            // Each that arrives is a line in a log.
            (ALLOWED, "front", "50", vec![service.as_str()]),
        ] {
            let args = [&["send", "--every", pause][..], &targets].concat();
            self.admin.create(Kind::Pod.all(namespace), running(name, &json!({"app": label}), &args))?;
            self.ready(namespace, &format!("app={label},!site"), 1)?;
        }
        within(LIMIT, "the allowed flow to arrive", || {
            let arrived = self.arrived(since)?.times.len();
            ensure!(arrived > 10, "{arrived} packets");
            Ok(since)
        })
    }

    pub fn stop_traffic(&self) -> Result<()> {
        for (namespace, name) in [DENIED, ALLOWED] {
            self.admin.delete(Kind::Pod.one(namespace, name))?;
        }
        Ok(())
    }

    /// Of the container of the receiver that runs, and of the one before it.
    fn received(&self) -> Result<String> {
        let mut log =
            fs::read_to_string(self.plane.instance().log_path(&format!("serve-{}", HOSTS[0].name)))?;
        let (namespace, name) = RECEIVER;
        let pod = ["logs", "-n", namespace, name];
        let now = self.plane.kubectl(User::Admin, pod)?;
        ensure!(now.success(), "{}", now.stderr);
        let before = self.plane.kubectl(User::Admin, [&pod[..], &["--previous"]].concat())?;
        log.push_str(&before.stdout);
        log.push_str(&now.stdout);
        Ok(log)
    }

    /// What of the allowed flow arrived since then; an error if anything of the denied one ever did.
    pub fn arrived(&self, since: u64) -> Result<Arrived> {
        let log = self.received()?;
        let of = |(_, name): (&str, &str)| -> Vec<&str> {
            let mark = format!(" snc-send {name} ");
            log.lines().filter(|line| line.contains(&mark)).collect()
        };
        let through = of(DENIED);
        ensure!(through.is_empty(), "{} packets, the first: {}", through.len(), through[0]);
        let mut times = of(ALLOWED)
            .into_iter()
            .map(|line| line.rsplit(' ').next().and_then(|time| time.parse().ok()).context(line.to_owned()))
            .collect::<Result<Vec<u64>>>()?;
        times.retain(|time| *time >= since);
        times.sort_unstable();
        Ok(Arrived { times })
    }

    /// Every pod of `ALL`.
    pub fn pods_are_ready(&self) -> Result<()> {
        for one in &ALL {
            let count = ALL.iter().filter(|other| other.namespace == one.namespace).count();
            self.ready(one.namespace, "site=yes", count)?;
        }
        Ok(())
    }
}
