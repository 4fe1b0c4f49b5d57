//! One function per mistake, in the order in which they are played.

use super::Act;
use crate::commands::demo::{
    lang::Lang,
    scene::{Person, manifest},
};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::time::Instant;

const ATELIER: [&str; 4] = ["sncpolicies", "isolation", "--namespace", "atelier-app"];
const BOUTIQUE: [&str; 4] = ["sncpolicies", "isolation", "--namespace", "boutique-data"];
const EFFECTIVE: &str = "NetworkPolicyEffective";

pub(super) fn foreign_policy(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "l'admin de la plateforme applique une NetworkPolicy qui n'est pas de l'opérateur",
        "the platform admin applies a NetworkPolicy that is not the operator's",
        &["kubectl apply -f manifests/demo/mistakes/1-foreign-policy.yaml"],
    );
    act.scene.platform.apply("mistakes/1-foreign-policy.yaml")?;
    let answer = act.scene.until_condition(&ATELIER, EFFECTIVE, "False", "UndeclaredOpening")?;
    act.answer(&format!("atelier-app: {EFFECTIVE}=False, UndeclaredOpening: {}", answer.message));
    act.check(answer.message.contains("quick-fix"), "the name of the foreign policy", &answer.message);
    let isolated = act.scene.condition(&ATELIER, "NetworkIsolated")?;
    act.check(
        isolated.as_ref().is_some_and(|c| c.status == "False"),
        "NetworkIsolated=False",
        &format!("{isolated:?}"),
    );
    Ok(())
}

pub(super) fn label_removal(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "un ClusterRoleBinding trop large laisse alice modifier tous les namespaces ; elle sort le sien du tenant",
        "too broad a ClusterRoleBinding lets alice change every namespace; she takes hers out of the tenant",
        &["kubectl --as alice label namespace boutique-app secnumcloud.dev/tenant-"],
    );
    let scene = act.scene;
    with_rights(act, "mistakes/2-broad-rights.yaml", &scene.alice, &["patch", "namespaces"], |act| {
        let removal = ["label", "namespace", "boutique-app", "secnumcloud.dev/tenant-"];
        let output = scene.alice.kubectl(&removal)?;
        act.refused(&output, "namespace-guard");
        let namespace = scene.platform.get(&["namespaces", "boutique-app"])?.unwrap_or_default();
        let label = &namespace["metadata"]["labels"]["secnumcloud.dev/tenant"];
        act.check(label == "boutique", "the label still there", &label.to_string());
        Ok(())
    })
}

pub(super) fn quota_abuse(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "alice demande 64 CPU pour boutique-data ; le total de la boutique est 4, boutique-app en a déjà 2",
        "alice asks for 64 CPUs for boutique-data; the boutique's total is 4, boutique-app already has 2",
        &[r#"kubectl --as alice patch sncp isolation -n boutique-data --type=merge -p '{"spec":{"quota":{"requests.cpu":"64"}}}'"#],
    );
    let scene = act.scene;
    let patch = r#"{"spec":{"quota":{"requests.cpu":"64"}}}"#;
    scene.alice.ok(&[
        "patch",
        "sncpolicies",
        "isolation",
        "--namespace=boutique-data",
        "--type=merge",
        "--patch",
        patch,
    ])?;
    let answer = scene.until_condition(&["snctenants", "boutique"], "QuotaFits", "False", "QuotaExceeded")?;
    act.answer(&format!("SncTenant boutique: QuotaFits=False, QuotaExceeded: {}", answer.message));
    act.check(
        answer.message.contains("boutique-data requests.cpu"),
        "the namespace and the resource",
        &answer.message,
    );
    let granted = scene.until("the quota of boutique-data", 20, || {
        let quota = scene.platform.get(&["resourcequotas", "snc-quota", "--namespace=boutique-data"])?;
        Ok(quota.map(|quota| quota["spec"]["hard"]["requests.cpu"].clone()).filter(|cpu| cpu != "1"))
    })?;
    act.answer(&format!("ResourceQuota snc-quota: requests.cpu={granted}"));
    act.check(granted == "2", "requests.cpu=\"2\", what is left of the total", &granted.to_string());
    act.then(
        scene.pick("alice revient à sa première demande", "alice goes back to what she asked for first"),
    );
    scene.alice.apply("shop/boutique-data/policy.yaml")?;
    scene.until_condition(&["snctenants", "boutique"], "QuotaFits", "True", "WithinTotal")?;
    scene.until_condition(&BOUTIQUE, "Ready", "True", "Applied").map(drop)
}

pub(super) fn weakening(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "alice demande Audit là où la plateforme exige Enforce",
        "alice asks for Audit where the platform asks for Enforce",
        &[r#"kubectl --as alice patch sncp isolation -n boutique-app --type=merge -p '{"spec":{"modes":{"isolation":"Audit"}}}'"#],
    );
    let patch = r#"{"spec":{"modes":{"isolation":"Audit"}}}"#;
    let args =
        ["patch", "sncpolicies", "isolation", "--namespace=boutique-app", "--type=merge", "--patch", patch];
    let output = act.scene.alice.kubectl(&args)?;
    act.refused(&output, "sncpolicy-ratchet");
    Ok(())
}

pub(super) fn first_instant(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "l'opérateur est figé (SIGSTOP) pour tenir cet instant ouvert ; l'admin crée un namespace de l'atelier et un pod",
        "the operator is held still (SIGSTOP) to keep that instant open; the admin creates a namespace of the atelier and a pod",
        &["kubectl apply -f manifests/demo/mistakes/5-first-instant.yaml"],
    );
    let scene = act.scene;
    let file = manifest("mistakes/5-first-instant.yaml");
    let output = scene.while_still(|| scene.platform.kubectl(&["apply", "-f", &file]))?;
    act.refused(&output, "isolation-gate");
    act.then(scene.pick(
        "l'opérateur reprend et isole le namespace ; la même commande",
        "the operator goes on and isolates the namespace; the same command",
    ));
    let isolated = || -> Result<Option<()>> {
        let namespace = scene.platform.get(&["namespaces", "atelier-test"])?.unwrap_or_default();
        Ok((namespace["metadata"]["labels"]["secnumcloud.dev/isolated"] == "true").then_some(()))
    };
    scene.until("atelier-test to be isolated", 30, isolated)?;
    scene.platform.apply("mistakes/5-first-instant.yaml")?;
    let version = |object: &[&str]| -> Result<u64> {
        let object =
            scene.platform.get(object)?.with_context(|| format!("{} is not there", object.join(" ")))?;
        Ok(object["metadata"]["resourceVersion"].as_str().unwrap_or_default().parse()?)
    };
    let deny = version(&["networkpolicies", "snc-default-deny", "--namespace=atelier-test"])?;
    let pod = version(&["pods", "early", "--namespace=atelier-test"])?;
    act.answer(&format!("pod/early created; resourceVersion: snc-default-deny {deny} < pod {pod}"));
    act.check(deny < pod, "the pod after the default-deny", &format!("{pod} after {deny}"));
    scene.platform.ok(&["delete", "namespace", "atelier-test", "--wait=false"]).map(drop)
}

pub(super) fn default_deny(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "un RoleBinding trop large donne à bruno le rôle cluster-admin dans atelier-app",
        "too broad a RoleBinding gives bruno the role cluster-admin in atelier-app",
        &["kubectl --as bruno delete networkpolicy snc-default-deny -n atelier-app"],
    );
    let scene = act.scene;
    let right = ["delete", "networkpolicies", "--namespace=atelier-app"];
    with_rights(act, "mistakes/6-broad-rights.yaml", &scene.bruno, &right, |act| {
        let output = scene.bruno.kubectl(&DELETE_DENY)?;
        act.refused(&output, "managed-object-guard");
        Ok(())
    })
}

const DELETE_DENY: [&str; 4] = ["delete", "networkpolicy", "snc-default-deny", "--namespace=atelier-app"];
const GUARD: &str = "managed-object-guard.secnumcloud.dev";

pub(super) fn drift(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "l'admin de la plateforme, qui peut tout, retire la garde et supprime le default-deny pendant que l'opérateur est figé",
        "the platform admin, who may do anything, removes the guard and deletes the default-deny while the operator is held still",
        &[
            "kubectl delete validatingadmissionpolicybinding managed-object-guard.secnumcloud.dev",
            "kubectl delete networkpolicy snc-default-deny -n atelier-app",
        ],
    );
    let scene = act.scene;
    let deny = ["networkpolicies", "snc-default-deny", "--namespace=atelier-app"];
    let uid = |object: &Value| object["metadata"]["uid"].clone();
    let before =
        scene.platform.get(&deny)?.map(|object| uid(&object)).context("no default-deny to begin with")?;
    let deleted = scene.while_still(|| {
        scene.platform.ok(&["delete", "validatingadmissionpolicybindings", GUARD])?;
        // The API server goes on with what it knows for up to a second.
        scene.until("the default-deny to be deleted", 12, || {
            let asked = Instant::now();
            let output = scene.platform.kubectl(&DELETE_DENY)?;
            Ok(output.success().then_some(asked))
        })
    })?;
    let (new, note) = scene.until("the default-deny to be back", 30, || {
        let back = scene.platform.get(&deny)?.map(|object| uid(&object)).filter(|uid| *uid != before);
        Ok(back.zip(repaired(&scene.platform, "atelier-app", "snc-default-deny")?))
    })?;
    let open = scene.lang.seconds(deleted.elapsed());
    act.answer(&format!("Event Repaired (atelier-app): {note}"));
    act.check(new != before, "another default-deny", &new.to_string());
    let guard = scene.until("the guard to be back", 30, || {
        if scene.platform.get(&["validatingadmissionpolicybindings", GUARD])?.is_none() {
            return Ok(None);
        }
        repaired(&scene.platform, "default", GUARD)
    })?;
    act.answer(&format!("Event Repaired (default): {guard}"));
    act.then(&match scene.lang {
        Lang::Fr => format!(
            "vu d'ici, le default-deny a manqué {open} au plus, temps figé compris ; l'opérateur compte depuis qu'il a pu le voir"
        ),
        Lang::En => format!(
            "seen from here, the default-deny was missing for {open} at most, the time held still included; the operator counts from when it could see it"
        ),
    });
    scene.until_condition(&ATELIER, "Ready", "True", "Applied").map(drop)
}

/// The newest event of that reason about that object.
fn repaired(platform: &Person, namespace: &str, about: &str) -> Result<Option<String>> {
    let args = ["events.v1.events.k8s.io", "--namespace", namespace, "--field-selector=reason=Repaired"];
    let events = platform.get(&args)?.unwrap_or_default();
    let notes = events["items"].as_array().into_iter().flatten().rev();
    Ok(notes.filter_map(|event| event["note"].as_str()).find(|note| note.contains(about)).map(str::to_owned))
}

pub(super) fn foreign_flow(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "bruno, dans sa propre politique, ouvre un flux vers boutique-data",
        "bruno, in a policy of his own, opens a flow to boutique-data",
        &["kubectl --as bruno apply -f manifests/demo/mistakes/8-foreign-flow.yaml"],
    );
    act.scene.bruno.apply("mistakes/8-foreign-flow.yaml")?;
    let shortcut = ["sncpolicies", "shortcut", "--namespace", "atelier-app"];
    let answer = act.scene.until_condition(&shortcut, "Ready", "False", "FieldsRefused")?;
    act.answer(&format!("SncPolicy shortcut: Ready=False, FieldsRefused: {}", answer.message));
    let path = "spec.network.flows[0].peers[0].namespaces.names[0]";
    act.check(answer.message.contains(path), path, &answer.message);
    let policies =
        act.scene.platform.ok(&["get", "networkpolicies", "--namespace=atelier-app", "--output=name"])?;
    act.check(!policies.contains("to-boutique-database"), "no NetworkPolicy for the flow", &policies);
    Ok(())
}

pub(super) fn reserved_name(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "l'admin crée un namespace au préfixe de l'atelier et oublie le label",
        "the admin creates a namespace with the atelier's prefix and forgets the label",
        &["kubectl create namespace atelier-sandbox"],
    );
    let output = act.scene.platform.kubectl(&["create", "namespace", "atelier-sandbox"])?;
    act.refused(&output, "reserved-names");
    if output.success() {
        act.scene.platform.ok(&["delete", "namespace", "atelier-sandbox", "--wait=false"])?;
    }
    Ok(())
}

pub(super) fn privileged(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "bruno déclare un Deployment privilégié dans l'espace des processus du nœud ; Pod Security Admission, qui ne \
         refuse que des pods, l'admettrait",
        "bruno declares a Deployment that is privileged, among the node's processes; Pod Security Admission, which \
         refuses pods only, would let it in",
        &["kubectl --as bruno apply -f manifests/demo/mistakes/10-privileged.yaml"],
    );
    let file = manifest("mistakes/10-privileged.yaml");
    let output = act.scene.bruno.kubectl(&["apply", "-f", &file])?;
    act.refused(&output, "pods-pod-security-enforce");
    Ok(())
}

pub(super) fn as_root(act: &mut Act<'_>) -> Result<()> {
    act.tried(
        "bruno déclare un Deployment en root, sans seccomp et avec toutes les capacités par défaut ; aucune politique du \
         serveur d'API n'en parle",
        "bruno declares a Deployment as root, without seccomp and with all default capabilities; no policy of the API \
         server speaks of it",
        &["kubectl --as bruno apply -f manifests/demo/mistakes/11-as-root.yaml"],
    );
    let file = manifest("mistakes/11-as-root.yaml");
    let output = act.scene.bruno.kubectl(&["apply", "-f", &file])?;
    act.refused_by_webhook(
        &output,
        &["pod-run-as-non-root", "pod-run-as-root", "pod-seccomp-missing", "pod-capabilities-not-dropped"],
    );
    Ok(())
}

/// Plants rights that nobody should have, waits until they count, and takes them away again.
fn with_rights<'a>(
    act: &mut Act<'a>,
    file: &str,
    who: &Person,
    right: &[&str],
    work: impl FnOnce(&mut Act<'a>) -> Result<()>,
) -> Result<()> {
    let scene = act.scene;
    scene.platform.apply(file)?;
    let question: Vec<&str> = ["auth", "can-i"].iter().chain(right).copied().collect();
    let result = scene
        .until("the planted rights to count", 15, || Ok(who.kubectl(&question)?.success().then_some(())))
        .and_then(|()| work(act));
    let removed = scene.platform.kubectl(&["delete", "-f", &manifest(file)])?;
    if !removed.success() {
        bail!("the planted rights could not be taken away: {}", removed.stderr.trim());
    }
    result
}
