use super::controls::numbers;
use super::{Answer, Context, first};
use crate::effective::effective;
use crate::governance::{Governance, govern, record};
use crate::quota::shares;
use crate::settings::{ClusterFacts, Settings};
use crate::validate;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use snc_api::v1alpha1::{Gap, NamespaceState, SncTenant, SncTenantStatus, TenantNamespace, TenantNamespaces};
use snc_catalogue::Assessed;
use snc_core::condition::{kind, reason};
use snc_core::lang::Lang;
use snc_core::names::{DEFAULT_DENY, LABEL_ISOLATED, LABEL_TENANT};
use snc_core::text::clip;
use snc_index::{Index, ManagedKind, NamespaceFacts, ObjectKey};

const LISTED: usize = 256;

/// What a tenant should show, and the namespaces that it asks us to make.
#[derive(Debug)]
pub struct TenantView {
    pub status: SncTenantStatus,
    pub create: Vec<String>,
}

impl TenantView {
    /// With what the controls say of the tenant. As long as nothing was assessed since the start, what was said before
    /// stays: a start writes nothing that is not new.
    #[must_use]
    pub fn with_controls(mut self, assessed: Option<&Assessed>, tenant: &SncTenant) -> Self {
        let name = tenant.metadata.name.as_deref().unwrap_or_default();
        self.status.controls = match assessed {
            Some(assessed) => assessed.tenants.get(name).map(|tally| numbers(tally.numbers)),
            None => tenant.status.as_ref().and_then(|status| status.controls),
        };
        self
    }
}

pub fn tenant_view(
    index: &Index,
    settings: &Settings,
    cluster: &ClusterFacts,
    tenant: &SncTenant,
    now: Timestamp,
) -> TenantView {
    let name = tenant.metadata.name.as_deref().unwrap_or_default();
    let previous = tenant.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let context = Context { lang: settings.lang, generation: tenant.metadata.generation, now };
    let mut rows: Vec<TenantNamespace> = index
        .namespaces()
        .filter(|ns| index.claimants(&ns.name).contains(name) || ns.label(LABEL_TENANT) == Some(name))
        .filter_map(|ns| row(index, settings, cluster, name, ns))
        .collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let isolated = rows.iter().filter(|r| r.state == NamespaceState::Isolated).count();

    let claimed = claimed(&rows);
    let quota = quota(index, settings, name, tenant);
    let absent = absent(index, settings, tenant);
    let ready = ready(&rows, &absent, &claimed, &quota);
    let truncated = rows.len() > LISTED;
    rows.truncate(LISTED);
    let status = SncTenantStatus {
        observed_generation: context.generation,
        namespaces: TenantNamespaces {
            total,
            isolated: i64::try_from(isolated).unwrap_or(i64::MAX),
            truncated,
            items: rows,
        },
        controls: None,
        conditions: vec![
            ready.condition(kind::READY, previous, &context),
            claimed.condition(kind::NAMESPACES_CLAIMED, previous, &context),
            quota.condition(kind::QUOTA_FITS, previous, &context),
        ],
    };
    TenantView { status, create: if cluster.gate_proven { absent } else { Vec::new() } }
}

/// Namespaces that the tenant asks us to make and that are not there.
fn absent(index: &Index, settings: &Settings, tenant: &SncTenant) -> Vec<String> {
    if !tenant.spec.create_namespaces {
        return Vec::new();
    }
    let wanted = |name: &&String| {
        index.namespace(name).is_none()
            && !settings.protects(name)
            && !tenant.spec.release.contains(name)
            && index.claimants(name).len() == 1
    };
    tenant.spec.namespaces.iter().filter(wanted).cloned().collect()
}

fn row(
    index: &Index,
    settings: &Settings,
    cluster: &ClusterFacts,
    tenant: &str,
    ns: &NamespaceFacts,
) -> Option<TenantNamespace> {
    let lang = settings.lang;
    let (state, why) = match govern(index, settings, &ns.name) {
        Governance::None | Governance::Released { .. } => return None,
        Governance::Protected => (
            NamespaceState::Protected,
            Some((
                reason::NAMESPACE_PROTECTED,
                lang.str("réservé au cluster", "reserved to the cluster").to_owned(),
            )),
        ),
        Governance::Observed { .. } => (
            NamespaceState::Observed,
            Some((
                reason::OBSERVED,
                lang.str(
                    "des pods y tournaient déjà ; spec.adoption: Enforce pour l'isoler",
                    "pods already ran there; spec.adoption: Enforce isolates it",
                )
                .to_owned(),
            )),
        ),
        Governance::Conflict { claimants, .. } => {
            let list = claimants.join(", ");
            (NamespaceState::Conflict, Some((reason::NAMESPACE_CONFLICT, conflict_text(lang, &list))))
        }
        Governance::Terminating { tenant: holder } if holder == tenant => (NamespaceState::Terminating, None),
        Governance::Governed { tenant: holder } if holder == tenant => {
            let (state, why) = governed(index, cluster, lang, ns);
            (state, why.or_else(|| retained(index, lang, ns, tenant)))
        }
        Governance::Terminating { tenant: holder } | Governance::Governed { tenant: holder } => {
            (NamespaceState::Conflict, Some((reason::NAMESPACE_CONFLICT, conflict_text(lang, &holder))))
        }
    };
    let gap = record(index, &ns.name).and_then(|r| r.gap.clone());
    let (reason, message) = why.map_or((None, None), |(r, m)| (Some(r.to_owned()), Some(m)));
    Some(TenantNamespace {
        name: ns.name.clone(),
        uid: ns.uid.clone(),
        state,
        reason: reason.or_else(|| gap.is_some().then(|| reason::ADOPTED_WITH_GAP.to_owned())),
        message: message.map(|text| clip(&text, 1024)),
        adopted_with_gap: gap.map(|g| Gap { from: whole(g.from), to: whole(g.to) }),
    })
}

fn conflict_text(lang: Lang, others: &str) -> String {
    lang.pick(
        || format!("aussi revendiqué ou détenu par : {others}"),
        || format!("also claimed or held by: {others}"),
    )
}

/// As the API server keeps times: a fraction of a second would make the status differ from itself for ever.
fn whole(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

type Why = Option<(&'static str, String)>;

fn governed(index: &Index, cluster: &ClusterFacts, lang: Lang, ns: &NamespaceFacts) -> (NamespaceState, Why) {
    let deny = ObjectKey::new(ManagedKind::NetworkPolicy, DEFAULT_DENY);
    match ns.label(LABEL_ISOLATED) {
        Some("true") if index.object(&ns.name, &deny).is_some() => (NamespaceState::Isolated, None),
        Some("audit" | "warn") => (NamespaceState::NotEnforced, None),
        _ if !cluster.gate_proven && ns.label(LABEL_TENANT).is_none() => {
            let text = lang.str("isolation-gate n'est pas encore prouvé", "isolation-gate is not proven yet");
            (NamespaceState::Pending, Some((reason::GATE_NOT_PROVEN, text.to_owned())))
        }
        _ => (NamespaceState::Pending, None),
    }
}

/// Something that is gone or cannot be read holds on here; where no policy is left, only the tenant's status can
/// say so.
fn retained(index: &Index, lang: Lang, ns: &NamespaceFacts, tenant: &str) -> Why {
    let retained = effective(index, &ns.name, tenant).retained;
    let objects = |unreadable: bool| -> Vec<&str> {
        retained.iter().filter(|r| r.error.is_some() == unreadable).map(|r| r.object.as_str()).collect()
    };
    let (unreadable, gone) = (objects(true), objects(false));
    if !unreadable.is_empty() {
        let list = first(&unreadable, 5);
        let text = lang.pick(
            || format!("illisibles, leur dernière version connue reste en vigueur : {list}"),
            || format!("cannot be read, their last known version stays in force: {list}"),
        );
        return Some((reason::UNREADABLE, text));
    }
    if gone.is_empty() {
        return None;
    }
    let list = first(&gone, 5);
    let text = lang.pick(
        || format!("n'existent plus ou ne visent plus ce tenant, et restent en vigueur (spec.release les lève) : {list}"),
        || format!("gone or no longer meant for this tenant, and still in force (spec.release lifts them): {list}"),
    );
    Some((reason::RETAINED, text))
}

fn named(rows: &[TenantNamespace], state: NamespaceState) -> Vec<&str> {
    rows.iter().filter(|r| r.state == state).map(|r| r.name.as_str()).collect()
}

fn claimed(rows: &[TenantNamespace]) -> Answer {
    let conflicts = named(rows, NamespaceState::Conflict);
    if !conflicts.is_empty() {
        let list = first(&conflicts, 5);
        return Answer::no(
            reason::NAMESPACE_CONFLICT,
            format!("revendiqués par plusieurs tenants : {list}"),
            format!("claimed by several tenants: {list}"),
        );
    }
    let protected = named(rows, NamespaceState::Protected);
    if !protected.is_empty() {
        let list = first(&protected, 5);
        return Answer::no(
            reason::NAMESPACE_PROTECTED,
            format!("réservés au cluster : {list}"),
            format!("reserved to the cluster: {list}"),
        );
    }
    Answer::yes(
        reason::CLAIMED,
        "aucun autre tenant ne revendique ces namespaces",
        "no other tenant claims these namespaces",
    )
}

fn quota(index: &Index, settings: &Settings, name: &str, tenant: &SncTenant) -> Answer {
    if tenant.spec.quota.is_empty() {
        return Answer::yes(reason::NO_TOTAL, "aucun total dans spec.quota", "no total in spec.quota");
    }
    let (_, refusals) = validate::amounts(&tenant.spec.quota, "spec.quota");
    if !refusals.is_empty() {
        let text = |lang| {
            let list: Vec<String> = refusals.iter().map(|r| r.message(lang)).collect();
            first(&list, 4)
        };
        return Answer::no(reason::FIELDS_REFUSED, text(Lang::Fr), text(Lang::En));
    }
    let short: Vec<String> = shares(index, settings, name)
        .iter()
        .flat_map(|(namespace, share)| {
            share
                .excess
                .iter()
                .map(move |e| format!("{namespace} {}: {} > {}", e.resource, e.asked, e.granted))
        })
        .collect();
    if short.is_empty() {
        return Answer::yes(
            reason::WITHIN_TOTAL,
            "la somme des demandes tient dans le total",
            "the sum of what is asked fits the total",
        );
    }
    let list = first(&short, 5);
    Answer::no(
        reason::QUOTA_EXCEEDED,
        format!("demandes au-delà du total (demandé > accordé) : {list}"),
        format!("asked beyond the total (asked > granted): {list}"),
    )
}

fn ready(rows: &[TenantNamespace], absent: &[String], claimed: &Answer, quota: &Answer) -> Answer {
    if claimed.status != "True" {
        return claimed.clone();
    }
    let mut pending = named(rows, NamespaceState::Pending);
    pending.extend(absent.iter().map(String::as_str));
    if !pending.is_empty() {
        let list = first(&pending, 5);
        return Answer::no(reason::PENDING, format!("en cours : {list}"), format!("on the way: {list}"));
    }
    let unreadable: Vec<&str> = rows
        .iter()
        .filter(|r| r.reason.as_deref() == Some(reason::UNREADABLE))
        .map(|r| r.name.as_str())
        .collect();
    if !unreadable.is_empty() {
        let list = first(&unreadable, 5);
        return Answer::unknown(
            reason::UNREADABLE,
            format!(
                "ce qui vaut ici n'a pas pu être relu, la dernière version connue reste en vigueur : {list}"
            ),
            format!("what holds here could not be read again, the last known version stays in force: {list}"),
        );
    }
    let observed = named(rows, NamespaceState::Observed);
    if !observed.is_empty() {
        let list = first(&observed, 5);
        return Answer::no(
            reason::OBSERVED,
            format!("seulement observés, rien n'y est appliqué : {list}"),
            format!("only observed, nothing is applied there: {list}"),
        );
    }
    if quota.status != "True" {
        return quota.clone();
    }
    Answer::yes(
        reason::APPLIED,
        "tous les namespaces du tenant sont pris en charge",
        "every namespace of the tenant is taken care of",
    )
}
