//! What people do to a cluster, all at once and without a pause: namespaces come, change, go and come again under
//! the same name, with their policies, pods and rights, while baselines and claims change too.

use crate::objects::{baseline, flow, flows, new_namespace, opening, pod, policy, tenant};
use anyhow::{Context, Result, anyhow, bail};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use snc_api::v1alpha1::{SncBaseline, SncPolicy, SncTenant};
use snc_core::condition::kind::NETWORK_POLICY_EFFECTIVE;
use snc_core::names::{
    ANNOTATION_FLOW, ANNOTATION_POLICY, DEFAULT_DENY, LABEL_COMPONENT, LABEL_ISOLATED, LABEL_MANAGED_BY,
    LABEL_TENANT, RECORD,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::sleep;

const FLOOR: &str = "plancher";
const VARIABLE: &str = "variable";
/// Under the floor: their namespaces are isolated whatever they declare.
const HELD: [Tenant; 3] = [
    Tenant { name: "azur", prefix: "azur-" },
    Tenant { name: "brume", prefix: "brume-" },
    Tenant { name: "cedre", prefix: "cedre-" },
];
/// Not under the floor: isolated from the moment that a policy asks for it, whatever becomes of the policy.
const FREE: Tenant = Tenant { name: "dune", prefix: "dune-" };
/// The operator creates the namespaces of this one.
const CREATED: &str = "cedre";
const LAST_FLOW: u32 = 9;
/// Namespaces that live on at one time: each change of a baseline is work in all of them.
const KEPT: usize = 25;

/// How long a namespace may take to be isolated, the operator being killed again and again.
const PATIENCE: Duration = Duration::from_secs(180);

#[derive(Clone, Copy)]
struct Tenant {
    name: &'static str,
    prefix: &'static str,
}

/// How often each thing was done.
#[derive(Default)]
pub struct Counts(Mutex<BTreeMap<&'static str, usize>>);

impl Counts {
    fn add(&self, what: &'static str) {
        *lock(&self.0).entry(what).or_default() += 1;
    }

    pub fn get(&self, what: &str) -> usize {
        lock(&self.0).get(what).copied().unwrap_or_default()
    }

    pub fn all(&self) -> Vec<(&'static str, usize)> {
        lock(&self.0).iter().map(|(what, count)| (*what, *count)).collect()
    }
}

/// Names of counts that are asked for.
pub const DRIFT_REFUSED: &str = "attempts on managed objects refused";
pub const DRIFT_ACCEPTED: &str = "attempts on managed objects ACCEPTED";
pub const GATE_REFUSED: &str = "pods refused by the gate";
pub const TOUCHED: &str = "default-deny marked as by an earlier version";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct World {
    platform: Client,
    /// With the identity of the operator, for what only an operator of another version would do.
    operator: Client,
    counts: Counts,
    stop: AtomicBool,
    names: AtomicUsize,
    kept: Mutex<Vec<String>>,
    problems: Mutex<Vec<String>>,
}

pub struct Churn {
    world: Arc<World>,
    tasks: JoinSet<()>,
    seed: u64,
}

impl Churn {
    /// The tenants and baselines that everything is about.
    pub async fn prepare(platform: Client, operator: Client, seed: u64) -> Result<Self> {
        let world = World {
            platform,
            operator,
            counts: Counts::default(),
            stop: AtomicBool::new(false),
            names: AtomicUsize::new(0),
            kept: Mutex::default(),
            problems: Mutex::default(),
        };
        let floor = json!({
            "tenantSelector": {"matchLabels": {"floor": "enforce"}},
            "modes": {"isolation": "Enforce", "podSecurity": "Warn"},
        });
        let baselines: Api<SncBaseline> = Api::all(world.platform.clone());
        create(&baselines, baseline(FLOOR, floor)).await?;
        apply(&baselines, VARIABLE, baseline(VARIABLE, last_baseline())).await?;
        let tenants: Api<SncTenant> = Api::all(world.platform.clone());
        for who in HELD {
            create(&tenants, tenant(who.name, claims(who))).await?;
        }
        let mut free = tenant(FREE.name, claims(FREE));
        free["metadata"]["labels"] = json!({});
        create(&tenants, free).await?;
        Ok(Self { world: Arc::new(world), tasks: JoinSet::new(), seed })
    }

    /// Returns once a first namespace is isolated and the guards refuse what they must.
    pub async fn settle(&self) -> Result<()> {
        let world = &self.world;
        let name = world.name(HELD[0]);
        world.create_namespace(HELD[0], &name).await?;
        let started = Instant::now();
        loop {
            if world.is_isolated(&name).await?.unwrap_or(false) {
                let dry = DeleteParams { dry_run: true, ..DeleteParams::default() };
                let policies: Api<NetworkPolicy> = Api::namespaced(world.platform.clone(), &name);
                if matches!(policies.delete(DEFAULT_DENY, &dry).await, Err(error) if refused(&error)) {
                    lock(&world.kept).push(name);
                    return Ok(());
                }
            }
            if started.elapsed() > Duration::from_secs(30) {
                bail!("after 30 s {name} is not isolated, or its default-deny can be deleted");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn start(&mut self, runtime: &Handle, lanes: u64) {
        let mut seeds = self.seed..;
        let mut rng = move || StdRng::seed_from_u64(seeds.next().unwrap_or_default());
        for lane in 0..lanes {
            let (world, mut rng) = (Arc::clone(&self.world), rng());
            let lives = async move {
                sleep(Duration::from_millis(lane * 150)).await;
                while world.goes_on() {
                    let outcome = world.life(&mut rng).await;
                    world.note("a namespace's life", outcome);
                }
            };
            self.tasks.spawn_on(lives, runtime);
        }
        macro_rules! forever {
            ($what:literal, $pause:expr, $act:ident) => {
                let (world, mut rng) = (Arc::clone(&self.world), rng());
                let again = async move {
                    while world.goes_on() {
                        let outcome = world.$act(&mut rng).await;
                        world.note($what, outcome);
                        sleep(Duration::from_millis(rng.random_range($pause))).await;
                    }
                };
                self.tasks.spawn_on(again, runtime);
            };
        }
        forever!("a kept namespace", 50..300, change_kept);
        forever!("baselines", 1000..4000, change_baseline);
        forever!("claims", 300..1500, change_claims);
        forever!("adoption", 500..2000, adopt);
        forever!("created namespaces", 1000..4000, delete_created);
        forever!("drift", 50..250, drift);
    }

    pub fn counts(&self) -> &Counts {
        &self.world.counts
    }

    /// What went wrong in a way that it must not.
    pub fn problems(&self) -> Vec<String> {
        lock(&self.world.problems).clone()
    }

    /// Ends the churn, and leaves baselines and claims as they were in the beginning.
    pub async fn stop(&mut self) -> Result<()> {
        self.world.stop.store(true, Ordering::Relaxed);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(30), all)
            .await
            .context("the churn did not end within 30 s")?;
        let world = &self.world;
        let baselines: Api<SncBaseline> = Api::all(world.platform.clone());
        apply(&baselines, VARIABLE, baseline(VARIABLE, last_baseline())).await?;
        let tenants: Api<SncTenant> = Api::all(world.platform.clone());
        for who in HELD.into_iter().chain([FREE]) {
            world.replace_tenant(&tenants, who.name, |spec| *spec = claims(who)).await?;
        }
        Ok(())
    }

    /// What is not yet as it should be, now that nobody changes anything.
    pub async fn pending(&self) -> Result<Vec<String>> {
        self.world.pending().await
    }
}

fn claims(who: Tenant) -> Value {
    let mut spec = json!({
        "level": "Standard",
        "namespacePrefixes": [who.prefix],
        "owners": [{"kind": "Group", "name": format!("{}-owners", who.name)}],
    });
    if who.name == CREATED {
        spec["createNamespaces"] = json!(true);
        spec["namespaces"] = json!(["cedre-fixe-1", "cedre-fixe-2"]);
    }
    spec
}

fn last_baseline() -> Value {
    json!({"network": {
        "sharedServices": [shared_service("journal")],
        "deniedCIDRs": ["10.0.0.0/8"],
    }})
}

fn shared_service(name: &str) -> Value {
    json!({
        "name": name, "direction": "Egress", "namespace": "services", "ports": [{"port": 6514}],
        "justification": "collecte des journaux de la plateforme",
    })
}

fn random_flow(rng: &mut StdRng, namespace: &str, name: &str) -> Value {
    let port = rng.random_range(1024..60000);
    let changes = match rng.random_range(0..5) {
        0 => {
            json!({"direction": "Egress", "peers": [{"cidr": {"block": "198.51.100.0/24"}}], "ports": [{"port": port}]})
        }
        1 => json!({"direction": "Egress", "peers": [{"sharedService": {"name": "journal"}}], "ports": []}),
        2 => {
            json!({"peers": [{"namespaces": {"names": [namespace]}}], "ports": [{"port": port, "endPort": port + 10}]})
        }
        3 => {
            json!({"direction": "Egress", "peers": [{"pods": {}}], "ports": [{"protocol": "UDP", "port": port}]})
        }
        _ => json!({"ports": [{"port": port}]}),
    };
    flow(name, changes)
}

fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        _ => 0,
    }
}

fn says(error: &kube::Error, text: &str) -> bool {
    matches!(error, kube::Error::Api(status) if status.message.contains(text))
}

/// By a guard, not by RBAC, and not because the object is gone.
fn refused(error: &kube::Error) -> bool {
    matches!(code(error), 403 | 422) && says(error, "-guard.secnumcloud.dev")
}

/// Answers that a busy cluster gives: gone, going, changed in between, not there yet.
fn usual(error: &kube::Error) -> bool {
    matches!(code(error), 404 | 409) || says(error, "being terminated")
}

fn unless_usual<T>(result: kube::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if usual(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn create<K>(api: &Api<K>, object: Value) -> Result<K>
where
    K: Clone + DeserializeOwned + std::fmt::Debug + serde::Serialize,
{
    Ok(api.create(&PostParams::default(), &serde_json::from_value(object)?).await?)
}

async fn apply<K>(api: &Api<K>, name: &str, object: Value) -> Result<()>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let params = PatchParams::apply("snc-e2e").force();
    api.patch(name, &params, &Patch::Apply(object)).await?;
    Ok(())
}

impl World {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn note(&self, what: &str, outcome: Result<()>) {
        if let Err(error) = outcome {
            lock(&self.problems).push(format!("{what}: {error:#}"));
        }
    }

    fn name(&self, tenant: Tenant) -> String {
        format!("{}{:04}", tenant.prefix, self.names.fetch_add(1, Ordering::Relaxed))
    }

    fn namespaces(&self) -> Api<Namespace> {
        Api::all(self.platform.clone())
    }

    fn in_namespace<K>(&self, namespace: &str) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.platform.clone(), namespace)
    }

    fn some_kept(&self, rng: &mut StdRng) -> Option<String> {
        lock(&self.kept).choose(rng).cloned()
    }

    /// `None` if there is no such namespace, or it is on its way out.
    async fn is_isolated(&self, name: &str) -> Result<Option<bool>> {
        let found = self.namespaces().get_opt(name).await?;
        let found = found.filter(|namespace| namespace.metadata.deletion_timestamp.is_none());
        Ok(found.map(|namespace| namespace.labels().get(LABEL_ISOLATED).is_some_and(|value| value == "true")))
    }

    /// Asks again and again while the one before of that name is still there.
    async fn create_namespace(&self, tenant: Tenant, name: &str) -> Result<()> {
        let started = Instant::now();
        let object = new_namespace(name, json!({LABEL_TENANT: tenant.name}));
        let object: Namespace = serde_json::from_value(object)?;
        while self.goes_on() {
            match self.namespaces().create(&PostParams::default(), &object).await {
                Ok(_) => {
                    self.counts.add("namespaces created");
                    return Ok(());
                }
                Err(error) if code(&error) == 409 => {}
                // Claimed by two at the moment.
                Err(error) if says(&error, "reserved-names") => {
                    self.counts.add("creations refused: reserved name");
                }
                Err(error) => return Err(error).with_context(|| format!("create {name}")),
            }
            if started.elapsed() > PATIENCE {
                bail!(
                    "{name} could not be created for {} s: the one before does not go away",
                    PATIENCE.as_secs()
                );
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    async fn delete_namespace(&self, name: &str) -> Result<()> {
        if unless_usual(self.namespaces().delete(name, &DeleteParams::default()).await)?.is_some() {
            self.counts.add("namespaces deleted");
        }
        Ok(())
    }

    /// One name: created, used, deleted, perhaps created again at once, perhaps kept in the end.
    async fn life(self: &Arc<Self>, rng: &mut StdRng) -> Result<()> {
        let tenant = if rng.random_bool(0.2) { FREE } else { *HELD.choose(rng).context("tenants")? };
        let name = self.name(tenant);
        let generations = if rng.random_bool(0.45) { rng.random_range(2..=3) } else { 1 };
        for generation in 1..=generations {
            self.create_namespace(tenant, &name).await?;
            let free = tenant.name == FREE.name;
            if free {
                // Nothing else would isolate it; in its first instants its name may still count as terminating.
                while self.goes_on() && !self.new_policy(rng, &name, "p0", true).await? {
                    sleep(Duration::from_millis(20)).await;
                }
            } else if rng.random_bool(0.6) {
                self.new_policy(rng, &name, "p0", false).await?;
            }
            let pods = if free { None } else { Some(tokio::spawn(Arc::clone(self).pods(name.clone()))) };
            // Some do not live to be isolated.
            let limit = if rng.random_bool(0.1) { Duration::from_millis(300) } else { PATIENCE };
            let isolated = self.until_isolated(&name, limit).await?;
            if isolated {
                if free {
                    tokio::spawn(Arc::clone(self).pods(name.clone()));
                }
                for _ in 0..rng.random_range(1..5) {
                    if !self.goes_on() {
                        break;
                    }
                    self.change(rng, &name).await?;
                    sleep(Duration::from_millis(rng.random_range(0..400))).await;
                }
            }
            if let Some(pods) = pods.filter(|_| isolated && generation == 1 && rng.random_bool(0.5)) {
                pods.await?;
            }
            if !self.goes_on() {
                return Ok(());
            }
            if isolated && generation == generations && rng.random_bool(0.7) {
                return self.keep(name).await;
            }
            self.delete_namespace(&name).await?;
        }
        Ok(())
    }

    /// For others to change, until there are too many.
    async fn keep(&self, name: String) -> Result<()> {
        let oldest = {
            let mut kept = lock(&self.kept);
            kept.push(name);
            (kept.len() > KEPT).then(|| kept.remove(0))
        };
        match oldest {
            Some(oldest) => self.delete_namespace(&oldest).await,
            None => Ok(()),
        }
    }

    async fn until_isolated(&self, name: &str, limit: Duration) -> Result<bool> {
        let started = Instant::now();
        while self.goes_on() && started.elapsed() < limit {
            match self.is_isolated(name).await? {
                None => return Ok(false),
                Some(true) => return Ok(true),
                Some(false) => sleep(Duration::from_millis(50)).await,
            }
        }
        if limit == PATIENCE && self.goes_on() {
            let labels = self.namespaces().get_opt(name).await?.map(|namespace| namespace.labels().clone());
            bail!("{name} was not isolated within {} s; its labels: {labels:?}", PATIENCE.as_secs());
        }
        Ok(false)
    }

    /// A pod as soon as the gate allows.
    async fn pods(self: Arc<Self>, namespace: String) {
        let outcome = self.first_pod(&namespace).await;
        self.note("pods", outcome);
    }

    async fn first_pod(&self, namespace: &str) -> Result<()> {
        let api: Api<Pod> = self.in_namespace(namespace);
        let object: Pod = serde_json::from_value(pod("first"))?;
        let started = Instant::now();
        while self.goes_on() && started.elapsed() < PATIENCE {
            match api.create(&PostParams::default(), &object).await {
                Ok(_) => {
                    self.counts.add("pods created");
                    return Ok(());
                }
                Err(error) if says(&error, "isolation-gate") => self.counts.add(GATE_REFUSED),
                // Its ServiceAccount is not there yet.
                Err(error) if says(&error, "service account") => {}
                Err(error) if usual(&error) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            sleep(Duration::from_millis(15)).await;
        }
        Ok(())
    }

    /// Whether it was created.
    async fn new_policy(&self, rng: &mut StdRng, namespace: &str, name: &str, isolate: bool) -> Result<bool> {
        let flows =
            (0..rng.random_range(0..4)).map(|n| random_flow(rng, namespace, &format!("f{n}"))).collect();
        let mut spec = self::flows(flows);
        if isolate {
            spec["modes"] = json!({"isolation": "Enforce"});
        }
        let api: Api<SncPolicy> = self.in_namespace(namespace);
        let object: SncPolicy = serde_json::from_value(policy(name, spec))?;
        let created = unless_usual(api.create(&PostParams::default(), &object).await)?.is_some();
        if created {
            self.counts.add("policies created");
        }
        Ok(created)
    }

    /// One change of many, to a namespace that is isolated.
    async fn change(&self, rng: &mut StdRng, namespace: &str) -> Result<()> {
        match rng.random_range(0..10) {
            0..5 => self.change_flows(rng, namespace).await,
            5 => self.delete_policy(rng, namespace).await,
            6 => self.rights(namespace).await,
            7 => self.foreign(rng, namespace).await,
            _ => self.touch(namespace).await,
        }
    }

    async fn change_kept(&self, rng: &mut StdRng) -> Result<()> {
        let Some(namespace) = self.some_kept(rng) else { return Ok(()) };
        self.change(rng, &namespace).await
    }

    async fn change_flows(&self, rng: &mut StdRng, namespace: &str) -> Result<()> {
        let name = *["p0", "p0", "p1"].choose(rng).context("names")?;
        let api: Api<SncPolicy> = self.in_namespace(namespace);
        let Some(found) = api.get_opt(name).await? else {
            return self.new_policy(rng, namespace, name, false).await.map(drop);
        };
        let mut object = serde_json::to_value(found)?;
        let mut flows =
            object.pointer("/spec/network/flows").and_then(Value::as_array).cloned().unwrap_or_default();
        let at = rng.random_range(0..flows.len().max(1));
        let taken: BTreeSet<String> =
            flows.iter().filter_map(|flow| flow["name"].as_str().map(ToOwned::to_owned)).collect();
        let free = (0..=LAST_FLOW).map(|n| format!("f{n}")).find(|name| !taken.contains(name));
        let what = match (rng.random_range(0..4), free) {
            (0, Some(free)) => {
                flows.push(random_flow(rng, namespace, &free));
                "flows added"
            }
            (1, Some(free)) if at < flows.len() => {
                flows[at]["name"] = json!(free);
                "flows renamed"
            }
            (2, _) if at < flows.len() => {
                flows.remove(at);
                "flows removed"
            }
            _ if at < flows.len() => {
                let name = flows[at]["name"].as_str().unwrap_or_default().to_owned();
                flows[at] = random_flow(rng, namespace, &name);
                "flows changed"
            }
            _ => {
                flows.push(random_flow(rng, namespace, "f0"));
                "flows added"
            }
        };
        object["spec"]["network"] = json!({"flows": flows});
        let object: SncPolicy = serde_json::from_value(object)?;
        if unless_usual(api.replace(name, &PostParams::default(), &object).await)?.is_some() {
            self.counts.add(what);
        }
        Ok(())
    }

    async fn delete_policy(&self, rng: &mut StdRng, namespace: &str) -> Result<()> {
        let api: Api<SncPolicy> = self.in_namespace(namespace);
        let name = if rng.random_bool(0.5) { "p0" } else { "p1" };
        if unless_usual(api.delete(name, &DeleteParams::default()).await)?.is_some() {
            self.counts.add("policies deleted");
        }
        Ok(())
    }

    /// Somebody's own RoleBinding, which is none of our business.
    async fn rights(&self, namespace: &str) -> Result<()> {
        let api: Api<RoleBinding> = self.in_namespace(namespace);
        let object = serde_json::from_value(json!({
            "metadata": {"name": "lecture"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}],
        }))?;
        if unless_usual(api.create(&PostParams::default(), &object).await)?.is_none() {
            unless_usual(api.delete("lecture", &DeleteParams::default()).await)?;
        }
        self.counts.add("RoleBindings created or deleted");
        Ok(())
    }

    /// A policy that is not ours comes, and goes by the hand that made it.
    async fn foreign(&self, rng: &mut StdRng, namespace: &str) -> Result<()> {
        let api: Api<NetworkPolicy> = self.in_namespace(namespace);
        let name = format!("foreign-{}", rng.random_range(0..1_000_000));
        let object = serde_json::from_value(opening(&name))?;
        if unless_usual(api.create(&PostParams::default(), &object).await)?.is_none() {
            return Ok(());
        }
        self.counts.add("foreign policies created");
        sleep(Duration::from_millis(rng.random_range(0..800))).await;
        match api.delete(&name, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == 404 && self.is_isolated(namespace).await?.is_some() => {
                Err(anyhow!("{namespace}/{name} was not the operator's to delete"))
            }
            Err(error) => unless_usual::<()>(Err(error)).map(drop),
        }
    }

    /// The mark on a default-deny of another version of the operator: the object has to be written again while
    /// its spec holds. Only that identity may do it; the guard stands.
    async fn touch(&self, namespace: &str) -> Result<()> {
        let api: Api<NetworkPolicy> = Api::namespaced(self.operator.clone(), namespace);
        let mark = json!({"metadata": {"labels": {LABEL_COMPONENT: "isolation-v0"}}});
        let params = PatchParams { field_manager: Some("snc-operator-v0".into()), ..PatchParams::default() };
        if unless_usual(api.patch(DEFAULT_DENY, &params, &Patch::Merge(mark)).await)?.is_some() {
            self.counts.add(TOUCHED);
        }
        Ok(())
    }

    /// A cluster administrator tries to undo isolation, and is refused each time.
    async fn drift(&self, rng: &mut StdRng) -> Result<()> {
        let Some(namespace) = self.some_kept(rng) else { return Ok(()) };
        let policies: Api<NetworkPolicy> = self.in_namespace(&namespace);
        let merge = PatchParams::default();
        let answer = match rng.random_range(0..7) {
            0 => policies.delete(DEFAULT_DENY, &DeleteParams::default()).await.map(drop),
            1 => {
                let open = json!({"spec": {"ingress": [{}], "egress": [{}]}});
                policies.patch(DEFAULT_DENY, &merge, &Patch::Merge(open)).await.map(drop)
            }
            2 => {
                let disown = json!({"metadata": {"labels": {LABEL_MANAGED_BY: null}}});
                policies.patch(DEFAULT_DENY, &merge, &Patch::Merge(disown)).await.map(drop)
            }
            3 => {
                let ours = ListParams::default().labels(&format!("{LABEL_MANAGED_BY}=snc-operator"));
                policies.delete_collection(&DeleteParams::default(), &ours).await.map(drop)
            }
            4 => {
                let label = json!({"metadata": {"labels": {LABEL_ISOLATED: null}}});
                self.namespaces().patch(&namespace, &merge, &Patch::Merge(label)).await.map(drop)
            }
            5 => {
                let label = json!({"metadata": {"labels": {LABEL_ISOLATED: "audit"}}});
                self.namespaces().patch(&namespace, &merge, &Patch::Merge(label)).await.map(drop)
            }
            _ => self
                .in_namespace::<ConfigMap>(&namespace)
                .delete(RECORD, &DeleteParams::default())
                .await
                .map(drop),
        };
        match answer {
            Err(error) if refused(&error) => self.counts.add(DRIFT_REFUSED),
            Err(error) if usual(&error) => {}
            Err(error) => return Err(error.into()),
            // Where the namespace is on its way out there is nothing left to refuse.
            Ok(()) if self.is_isolated(&namespace).await?.is_none() => {}
            Ok(()) => self.counts.add(DRIFT_ACCEPTED),
        }
        Ok(())
    }

    /// The baseline that does not ask for isolation: changed, deleted, made again.
    async fn change_baseline(&self, rng: &mut StdRng) -> Result<()> {
        let api: Api<SncBaseline> = Api::all(self.platform.clone());
        if rng.random_bool(0.15) {
            unless_usual(api.delete(VARIABLE, &DeleteParams::default()).await)?;
            self.counts.add("baselines deleted");
            return Ok(());
        }
        let mut network = json!({"deniedCIDRs": [format!("10.{}.0.0/16", rng.random_range(0..256))]});
        if rng.random_bool(0.7) {
            network["sharedServices"] = json!([shared_service("journal")]);
        }
        if rng.random_bool(0.4) {
            network["dns"] =
                json!({"namespace": "kube-system", "ports": [{"port": rng.random_range(53..56)}]});
        }
        apply(&api, VARIABLE, baseline(VARIABLE, json!({"network": network}))).await?;
        self.counts.add("baselines changed");
        Ok(())
    }

    async fn replace_tenant(
        &self,
        api: &Api<SncTenant>,
        name: &str,
        change: impl Fn(&mut Value),
    ) -> Result<()> {
        for _ in 0..20 {
            let mut object = serde_json::to_value(api.get(name).await?)?;
            change(&mut object["spec"]);
            let object: SncTenant = serde_json::from_value(object)?;
            match api.replace(name, &PostParams::default(), &object).await {
                Ok(_) => return Ok(()),
                Err(error) if code(&error) == 409 => sleep(Duration::from_millis(20)).await,
                Err(error) => return Err(error).with_context(|| format!("change tenant {name}")),
            }
        }
        bail!("tenant {name} changes too fast")
    }

    /// Claims and owners change; a claim on what another tenant holds comes and goes.
    async fn change_claims(&self, rng: &mut StdRng) -> Result<()> {
        let api: Api<SncTenant> = Api::all(self.platform.clone());
        let (who, other) = (*HELD.choose(rng).context("tenants")?, *HELD.choose(rng).context("tenants")?);
        let choice = rng.random_range(0..4);
        let number = rng.random_range(0..5);
        self.replace_tenant(&api, who.name, |spec| match choice {
            0 => {
                let group = format!("{}-owners-{number}", who.name);
                spec["owners"] = json!([{"kind": "Group", "name": group}, {"kind": "User", "name": "alice"}]);
            }
            1 => spec["namespacePrefixes"] = json!([who.prefix, format!("{}x{number}-", who.name)]),
            // What it held it holds: the label decides.
            2 => spec["namespacePrefixes"] = json!([]),
            _ => spec["namespacePrefixes"] = json!(BTreeSet::from([who.prefix, other.prefix])),
        })
        .await?;
        self.counts.add("claims changed");
        sleep(Duration::from_millis(rng.random_range(0..500))).await;
        self.replace_tenant(&api, who.name, |spec| {
            spec["namespacePrefixes"] = json!([who.prefix]);
        })
        .await
    }

    /// A namespace that is there before anybody claims it.
    async fn adopt(&self, rng: &mut StdRng) -> Result<()> {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        let name = format!("libre-{number:04}");
        let object: Namespace = serde_json::from_value(new_namespace(&name, json!({})))?;
        self.namespaces().create(&PostParams::default(), &object).await?;
        let api: Api<SncTenant> = Api::all(self.platform.clone());
        let who = HELD[rng.random_range(0..2)];
        self.replace_tenant(&api, who.name, |spec| claim(spec, &name, true)).await?;
        self.counts.add("namespaces claimed by name");
        if self.until_isolated(&name, PATIENCE).await? {
            self.change(rng, &name).await?;
        }
        if rng.random_bool(0.5) {
            self.replace_tenant(&api, who.name, |spec| claim(spec, &name, false)).await?;
        }
        if rng.random_bool(0.5) {
            self.delete_namespace(&name).await?;
        }
        self.replace_tenant(&api, who.name, |spec| claim(spec, &name, false)).await
    }

    /// A namespace that the operator has to create again.
    async fn delete_created(&self, rng: &mut StdRng) -> Result<()> {
        let name = format!("cedre-fixe-{}", rng.random_range(1..=2));
        if self.is_isolated(&name).await? == Some(true) {
            self.change(rng, &name).await?;
            if rng.random_bool(0.5) {
                self.counts.add("namespaces for the operator to create again");
                self.delete_namespace(&name).await?;
            }
        }
        Ok(())
    }

    async fn pending(&self) -> Result<Vec<String>> {
        let mut pending = Vec::new();
        let mut governed = BTreeMap::new();
        let own: BTreeSet<&str> = HELD.iter().chain([&FREE]).map(|tenant| tenant.name).collect();
        for namespace in self.namespaces().list(&ListParams::default()).await? {
            let name = namespace.name_any();
            let tenant = namespace.labels().get(LABEL_TENANT).map(String::as_str);
            if namespace.metadata.deletion_timestamp.is_some() {
                pending.push(format!("namespace {name} is being deleted"));
            } else if tenant.is_some_and(|tenant| own.contains(tenant)) {
                // Of the tenant without a floor those are isolated that a policy asked for.
                let isolated = namespace.labels().get(LABEL_ISOLATED).map(String::as_str);
                if isolated != Some("true") && !(name.starts_with(FREE.prefix) && isolated == Some("audit")) {
                    pending.push(format!("namespace {name}: isolated is {isolated:?}"));
                }
                governed.insert(name, isolated == Some("true"));
            }
        }
        for name in ["cedre-fixe-1", "cedre-fixe-2"] {
            if !governed.contains_key(name) {
                pending.push(format!("namespace {name} is not there"));
            }
        }
        let mut declared: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
        for policy in Api::<SncPolicy>::all(self.platform.clone()).list(&ListParams::default()).await? {
            let (namespace, name) = (policy.namespace().unwrap_or_default(), policy.name_any());
            let flows = declared.entry(namespace.clone()).or_default();
            flows.extend(
                policy.spec.network.iter().flat_map(|n| &n.flows).map(|f| (name.clone(), f.name.clone())),
            );
            let generation = policy.metadata.generation;
            let status = policy.status.unwrap_or_default();
            let effective = status.conditions.iter().find(|c| c.type_ == NETWORK_POLICY_EFFECTIVE);
            let effective = effective.filter(|c| c.observed_generation == generation);
            let expected = if governed.get(&namespace) == Some(&true) { "True" } else { "False" };
            if status.observed_generation != generation || effective.is_none_or(|c| c.status != expected) {
                pending.push(format!(
                    "policy {namespace}/{name}: generation {generation:?}, observed {:?}, effective {:?}",
                    status.observed_generation,
                    effective.map(|c| (&c.status, &c.reason, &c.message)),
                ));
            }
        }
        let mut applied: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
        for policy in Api::<NetworkPolicy>::all(self.platform.clone()).list(&ListParams::default()).await? {
            let mark = |key: &str| policy.annotations().get(key).cloned();
            let flows = applied.entry(policy.namespace().unwrap_or_default()).or_default();
            flows.extend(mark(ANNOTATION_POLICY).zip(mark(ANNOTATION_FLOW)));
        }
        for (namespace, flows) in &declared {
            let applied = applied.get(namespace).cloned().unwrap_or_default();
            if *flows != applied && governed.get(namespace) == Some(&true) {
                pending.push(format!("{namespace}: flows declared {flows:?}, applied {applied:?}"));
            }
        }
        Ok(pending)
    }
}

fn claim(spec: &mut Value, name: &str, wanted: bool) {
    let mut names: BTreeSet<String> =
        serde_json::from_value(spec.get("namespaces").cloned().unwrap_or_else(|| json!([])))
            .unwrap_or_default();
    if wanted {
        names.insert(name.to_owned());
    } else {
        names.remove(name);
    }
    spec["namespaces"] = json!(names);
}
