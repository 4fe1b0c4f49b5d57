//! Isolation, by packets.

use super::{Site, matrix::Matrix};
use crate::TABLE;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use snc_e2e::{
    objects::{BASELINES, Kind, TENANTS, baseline, flow, flows, policy},
    wait::{eventually, within},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use xtask::harness::node::ENFORCER;

/// For the packets to follow what changed: the enforcer's, and the time of a few rounds.
const SETTLED: Duration = Duration::from_secs(40);

fn pods(labels: &Value) -> Value {
    json!([{"pods": {"podSelector": {"matchLabels": labels}}}])
}

/// Both ends of a connection between pods of a namespace.
fn between(name: &str, from: &str, to: &str, ports: &Value) -> Vec<Value> {
    let selector = |app: &str| json!({"matchLabels": {"app": app}});
    let end = |suffix: &str, direction: &str, own: &str, other: &str| {
        flow(
            &format!("{name}-{suffix}"),
            json!({"direction": direction, "podSelector": selector(own), "ports": ports,
                "peers": pods(&json!({"app": other}))}),
        )
    };
    vec![end("out", "Egress", from, to), end("in", "Ingress", to, from)]
}

/// The flow that a case takes away.
const TAKEN: &str = "front-api-udp-out";

fn alpha_web() -> Vec<Value> {
    let mut all = between("front-api", "front", "api", &json!([{"port": 8080}]));
    all.extend(between("front-api-udp", "front", "api", &json!([{"port": 8080, "protocol": "UDP"}])));
    let data =
        json!([{"namespaces": {"names": ["alpha-data"], "podSelector": {"matchLabels": {"app": "db"}}}}]);
    let ports = json!([{"port": 9090}, {"port": 9090, "protocol": "UDP"}]);
    all.push(flow(
        "api-db",
        json!({"direction": "Egress", "podSelector": {"matchLabels": {"app": "api"}},
        "peers": data, "ports": ports}),
    ));
    all.push(flow(
        "entree",
        json!({"podSelector": {"matchLabels": {"app": "front"}},
        "peers": [{"sharedService": {"name": "entree"}}], "ports": []}),
    ));
    all.push(flow(
        "partner",
        json!({"direction": "Egress", "podSelector": {"matchLabels": {"app": "front"}},
        "peers": [{"cidr": {"block": "203.0.113.16/28"}}], "ports": [{"port": 8080}]}),
    ));
    all
}

fn alpha_data() -> Vec<Value> {
    let web =
        json!([{"namespaces": {"names": ["alpha-web"], "podSelector": {"matchLabels": {"app": "api"}}}}]);
    let ports = json!([{"port": 9090}, {"port": 9090, "protocol": "UDP"}]);
    vec![flow("db-api", json!({"podSelector": {"matchLabels": {"app": "db"}}, "peers": web, "ports": ports}))]
}

/// All of a namespace among themselves.
fn beta_web() -> Vec<Value> {
    let ports = json!([{"port": 53, "endPort": 9090}, {"port": 53, "endPort": 9090, "protocol": "UDP"}]);
    let everybody = |name: &str, direction: &str| {
        flow(name, json!({"direction": direction, "peers": [{"pods": {}}], "ports": ports}))
    };
    vec![everybody("all-out", "Egress"), everybody("all-in", "Ingress")]
}

impl Site {
    /// Runs while nothing enforces anything. The table is there, since without one no pod starts, and has no rules.
    pub fn unenforced<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        self.plane.instance().terminate(ENFORCER)?;
        for verb in ["delete", "add"] {
            let mut nft = self.plane.command_in_node(Path::new("nft"))?;
            let done = nft.args([verb, "table", "inet", TABLE]).status()?;
            ensure!(done.success(), "nft {verb} table: {done}");
        }
        let result = run();
        self.plane.instance().restart(ENFORCER)?;
        eventually("the enforcer's rules", || self.has_rules())?;
        result
    }

    /// Two tenants take over namespaces with pods in them.
    pub fn make_tenants(&self) -> Result<()> {
        let floor = json!({
            "modes": {"isolation": "Enforce", "podSecurity": "Enforce", "workloads": "Warn"},
            "network": {
                "allowedCIDRs": ["203.0.113.0/24"],
                "deniedCIDRs": ["172.30.0.0/24", "10.244.0.0/16", "10.96.0.0/16"],
                "sharedServices": [{"name": "entree", "direction": "Ingress", "namespace": "entree",
                    "podSelector": {"matchLabels": {"app": "entree"}}, "ports": [{"port": 8080}],
                    "justification": "entrée HTTP de la plateforme"}],
            },
        });
        self.platform.create(BASELINES, baseline("node", floor))?;
        for (tenant, namespaces) in [("alpha", vec!["alpha-web", "alpha-data"]), ("beta", vec!["beta-web"])] {
            let tenant = json!({"apiVersion": "secnumcloud.dev/v1alpha1", "kind": "SncTenant",
                "metadata": {"name": tenant},
                "spec": {"level": "Standard", "namespaces": namespaces, "adoption": "Enforce"}});
            self.platform.create(TENANTS, tenant)?;
        }
        let declared = [("alpha-web", alpha_web()), ("alpha-data", alpha_data()), ("beta-web", beta_web())];
        for (namespace, declared) in declared {
            self.platform.create(Kind::SncPolicy.all(namespace), policy("flux", flows(declared)))?;
        }
        for namespace in ["alpha-web", "alpha-data", "beta-web"] {
            self.effective(namespace)?;
        }
        Ok(())
    }

    /// Waits until what is declared now is in force, and nothing else.
    fn effective(&self, namespace: &str) -> Result<()> {
        eventually(&format!("{namespace} to be isolated"), || {
            let policy = self.admin.get(Kind::SncPolicy.one(namespace, "flux"))?;
            let status = &policy["status"];
            ensure!(status["observedGeneration"] == policy["metadata"]["generation"], "{status}");
            for kind in ["Ready", "NetworkPolicyEffective"] {
                let found = snc_e2e::objects::condition(&policy, kind);
                ensure!(found.is_some_and(|condition| condition["status"] == "True"), "{kind}: {found:?}");
            }
            Ok(())
        })
    }

    /// Rounds until packets and `reach` agree, within the time that the enforcer has; and that round.
    pub fn settled(&self, what: &str) -> Result<Matrix> {
        let (started, mut rounds) = (Instant::now(), 0);
        let matrix = within(SETTLED, &format!("packets to agree with reach, {what}"), || {
            rounds += 1;
            let matrix = self.matrix()?;
            matrix.agrees().map(|()| matrix)
        })?;
        let (cells, open) = (matrix.cells.len(), matrix.open());
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{what}: {cells} cells, {open} open, {} closed, all as reach says; round {rounds}, {seconds:.1} s",
            cells - open
        );
        Ok(matrix)
    }

    /// Packets that the enforcer dropped while everything was tried once; again until they are as expected, since a new
    /// table counts from zero.
    fn dropped_in_a_round(&self, expected: impl Fn(u64) -> bool) -> Result<u64> {
        within(SETTLED, "the counters of the enforcer", || {
            let before = self.dropped()?;
            self.matrix()?;
            let dropped = self.dropped()?.checked_sub(before).context("the table was replaced")?;
            ensure!(expected(dropped), "{dropped} packets dropped");
            Ok(dropped)
        })
    }

    /// Packets that the enforcer dropped, since its table is as it is.
    fn dropped(&self) -> Result<u64> {
        let mut nft = self.plane.command_in_node(Path::new("nft"))?;
        let output = nft.args(["list", "table", "inet", TABLE]).output()?;
        let told = String::from_utf8(output.stdout)?;
        let words: Vec<&str> = told.split_whitespace().collect();
        let counters = words.windows(2).filter(|pair| pair[0] == "packets");
        counters.map(|pair| Ok(pair[1].parse::<u64>()?)).sum()
    }

    pub fn has_rules(&self) -> Result<()> {
        let mut nft = self.plane.command_in_node(Path::new("nft"))?;
        let output = nft.args(["list", "table", "inet", TABLE]).output()?;
        ensure!(String::from_utf8_lossy(&output.stdout).contains("chain"), "no rules in {TABLE}");
        Ok(())
    }
}

/// Nothing is closed before there is a tenant, every cell is as `reach` says once there is one, and nothing is closed once
/// nobody enforces.
pub fn as_reach_says(site: &Site) -> Result<()> {
    site.make_pods()?;
    let before = site.settled("before any tenant")?;
    ensure!(before.open() == before.cells.len(), "no policy, and something is closed");

    let otherwise = site.dropped_in_a_round(|_| true)?;

    site.make_tenants()?;
    let matrix = site.settled("two tenants")?;
    println!("{}", matrix.table());
    let (all, open) = (matrix.cells.len(), matrix.expected_open());
    ensure!(all >= 300, "{all} cells");
    ensure!(open * 10 >= all * 3 && (all - open) * 10 >= all * 3, "{open} of {all} cells are open");
    let closed = u64::try_from(all - open)?;
    let dropped = site.dropped_in_a_round(|dropped| dropped >= closed + otherwise)?;
    println!("{dropped} packets were dropped in one round, {otherwise} while nothing was closed");

    without_the_enforcer(site, all - open)?;
    one_flow_less(site, &matrix)
}

fn without_the_enforcer(site: &Site, closed: usize) -> Result<()> {
    let matrix = site.unenforced(|| site.matrix())?;
    let disagreeing = matrix.disagreeing().len();
    println!(
        "without the enforcer: {disagreeing} cells disagree, {} of {} are open",
        matrix.open(),
        matrix.cells.len()
    );
    ensure!(
        disagreeing == closed && matrix.open() == matrix.cells.len(),
        "all {closed} are to be open:\n{}",
        matrix.table()
    );
    site.settled("with the enforcer again").map(drop)
}

/// A flow that is declared no more closes its cells and no others.
fn one_flow_less(site: &Site, before: &Matrix) -> Result<()> {
    let mut declared = alpha_web();
    declared.retain(|flow| flow["name"] != TAKEN);
    let path = Kind::SncPolicy.one("alpha-web", "flux");
    site.platform.merge(&path, json!({"spec": flows(declared)}))?;
    site.effective("alpha-web")?;
    let after = site.settled("without one flow")?;
    let mut flipped = Vec::new();
    for (before, after) in before.cells.iter().zip(&after.cells) {
        if before.open() != after.open() {
            flipped.push(format!("{} {} {} {}", after.from, after.to, after.protocol, after.port));
        }
    }
    let ways = ["alpha-api", "nodeport alpha-api", "service alpha-api"];
    let expected: Vec<String> = ways.iter().map(|way| format!("alpha-front {way} UDP 8080")).collect();
    println!("flipped: {flipped:?}");
    ensure!(
        flipped.len() == expected.len() && expected.iter().all(|one| flipped.contains(one)),
        "{expected:?}"
    );
    site.platform.merge(&path, json!({"spec": flows(alpha_web())}))?;
    site.effective("alpha-web")?;
    site.settled("with it again").map(drop)
}
