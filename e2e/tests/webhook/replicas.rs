//! Three replicas behind one address, and none of them needs the others, the operator or its lease.

use crate::balancer::{Backend, Balancer};
use crate::down::load;
use crate::scene::{asked, set};
use anyhow::{Context, Result, ensure};
use snc_core::names::{MANAGER, WEBHOOK};
use snc_e2e::api::{Ask, Refusal};
use snc_e2e::cluster::Cluster;
use snc_e2e::objects::at;
use snc_e2e::wait::eventually;
use snc_e2e::webhook::{CONFIGURATIONS, Certificates, Webhook, configured};
use std::cell::RefCell;

const REPLICAS: [&str; 3] = ["webhook-one", "webhook-two", "webhook-three"];
const ANSWERS: &str = "snc_webhook_requests_total";

pub fn come_and_go(cluster: &Cluster) -> Result<()> {
    set(cluster)?;
    let certificates = Certificates::new()?;
    let replicas: Vec<Webhook<'_>> = REPLICAS
        .iter()
        .map(|name| Webhook::start(cluster.plane(), name, &certificates))
        .collect::<Result<_>>()?;
    let backends: Result<Vec<Backend>> = replicas
        .iter()
        .map(|replica| Ok(Backend { port: replica.port(), health: replica.health()? }))
        .collect();
    let balancer = Balancer::start(backends?)?;
    let made = configured(&format!("https://127.0.0.1:{}", balancer.port()), &certificates.bundle())?;
    cluster.operator.send(&Ask::apply(&at(CONFIGURATIONS, WEBHOOK), MANAGER, made))?;
    // Nobody leads from here on.
    cluster.stop_operator()?;
    let result = eventually("a replica to be asked", || asked(cluster)).and_then(|()| end(cluster, replicas));
    cluster.start_operator(&[])?;
    cluster.operator.delete(at(CONFIGURATIONS, WEBHOOK))?;
    result
}

/// Two of the three end under load, each while it is the one that answers.
fn end<'c>(cluster: &'c Cluster, replicas: Vec<Webhook<'c>>) -> Result<()> {
    let living = RefCell::new(replicas);
    let serving = || -> Result<usize> {
        let counts = || living.borrow().iter().map(|one| one.count(ANSWERS)).collect::<Result<Vec<f64>>>();
        let before = counts()?;
        eventually("a replica to answer", || {
            let more = counts()?.iter().zip(&before).position(|(now, before)| *now > before + 20.0);
            more.context("none answers")
        })
    };
    let ended = |end: fn(&Webhook<'c>) -> Result<()>| {
        load(cluster, || {
            let at = serving()?;
            let one = living.borrow_mut().remove(at);
            end(&one)?;
            serving().map(drop)
        })
    };
    // By SIGTERM it finishes what it has, and nothing is lost.
    let lost = ended(Webhook::terminate)?;
    ensure!(lost.is_empty(), "{} lost by SIGTERM, the first: {}", lost.len(), lost[0]);
    // By SIGKILL what it was answering at that moment is lost, for nobody asks twice; and nothing after it.
    let lost = ended(Webhook::kill)?;
    println!("lost by SIGKILL: {}", lost.len());
    let by_webhook = |refusal: &Refusal| refusal.message.contains("failed calling webhook");
    ensure!(lost.iter().all(by_webhook), "lost by something else: {lost:?}");
    ensure!(lost.len() <= crate::down::CLIENTS as usize, "{} lost, more than were under way", lost.len());
    let third = living.into_inner().pop().context("nobody is left")?;
    third.terminate()
}
