//! What there is to see in the end, and where to go from there.

use super::{
    mistakes::{self, Played},
    say,
    scene::{Cluster, Scene, plugin},
};
use crate::harness::{Tool, User, interrupt, workspace};
use anyhow::{Result, bail};
use std::{
    io::{IsTerminal, Write, stdout},
    path::Path,
    process::Stdio,
};

pub(super) fn show(scene: &Scene, played: &[Played]) -> Result<()> {
    say::heading(scene.pick("État : ce que kubectl en dit", "State: what kubectl says"));
    scene.show(&["get", "sncp", "-A"])?;
    scene.show(&["get", "snct"])?;
    scene.show(&["get", "sncas", "-A"])?;
    say::note(scene.pick(
        "EFFECTIVE : True si les NetworkPolicy relues isolent bien ; False à l'atelier, à cause de la politique étrangère. ISOLATED \
         n'est True nulle part : rien ne prouve que le réseau de ce cluster applique les NetworkPolicy, et l'opérateur ne \
         l'affirme pas.",
        "EFFECTIVE: True if the NetworkPolicies read back do isolate; False at the atelier, because of the foreign policy. ISOLATED \
         is True nowhere: nothing proves that this cluster's network enforces NetworkPolicies, and the operator does \
         not claim it.",
    ));

    say::heading(scene.pick("Conditions par tenant", "Conditions per tenant"));
    snc(scene, &["status"])?;
    say::heading(scene.pick(
        "Matrice des flux (le début ; tout : kubectl snc flows)",
        "Flow matrix (the beginning; all of it: kubectl snc flows)",
    ));
    snc(scene, &["flows", "--namespace", "boutique-data"])?;

    say::heading(
        scene.pick("Ce qui a été refusé, signalé ou réparé", "What was refused, reported or repaired"),
    );
    say::verbatim(&mistakes::table(scene, played));

    say::heading(scene.pick(
        "Ce que le catalogue dit des manifestes, avant de les appliquer",
        "What the catalogue says of the manifests, before they are applied",
    ));
    snc(scene, &["scan", "manifests/demo/shop", "--level", "Essentiel"])?;
    snc(scene, &["scan", "manifests/demo/mistakes", "--level", "Essentiel"])?;

    say::heading(scene.pick("Les pods", "The pods"));
    pods(scene)
}

/// What a script would wait for: it comes for the tenant that is in order, not for the other one.
pub(super) fn waits(scene: &Scene) -> Result<Vec<String>> {
    say::heading(scene.pick("Attendre une condition", "Waiting for a condition"));
    let mut differs = Vec::new();
    for (namespace, timeout, comes) in
        [("boutique-app", "10s", true), ("boutique-data", "10s", true), ("atelier-app", "1s", false)]
    {
        let (namespace, timeout) = (format!("-n={namespace}"), format!("--timeout={timeout}"));
        let args = ["wait", "--for=condition=NetworkPolicyEffective", "sncp/isolation", &namespace, &timeout];
        say::command(&format!("kubectl {}", args.join(" ")));
        let output = scene.platform.kubectl(&args)?;
        say::verbatim(&format!("{}{}", output.stdout, output.stderr));
        if output.success() != comes {
            differs.push(format!("kubectl {}: {:?}", args.join(" "), output.code));
        }
    }
    Ok(differs)
}

fn snc(scene: &Scene, args: &[&str]) -> Result<()> {
    let Some(mut command) = scene.snc(args)? else {
        say::note(scene.pick("kubectl-snc n'est pas construit.", "kubectl-snc is not built."));
        return Ok(());
    };
    say::command(&format!("kubectl snc {}", args.join(" ")));
    // On a terminal it fits its columns to the width itself.
    let status = if stdout().is_terminal() {
        // So that what we said comes first.
        let _ = stdout().flush();
        command.stderr(Stdio::null()).status()?
    } else {
        let output = command.output()?;
        say::verbatim(&String::from_utf8_lossy(&output.stdout));
        output.status
    };
    interrupt::check()?;
    // Findings are an answer too; undecided and bad usage are not.
    if !matches!(status.code(), Some(0 | 1)) {
        bail!("kubectl snc {} ended with {status}", args.join(" "));
    }
    Ok(())
}

fn pods(scene: &Scene) -> Result<()> {
    let columns = "--output=custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,PHASE:.status.phase,NODE:.spec.nodeName";
    let list = ["get", "pods", "--all-namespaces", "--selector=app.kubernetes.io/part-of=snc-demo", columns];
    say::verbatim(&scene.platform.ok(&list)?);
    let nodes = scene.platform.ok(&["get", "nodes", "--output=name"])?;
    say::note(if nodes.trim().is_empty() {
        scene.pick(
            "Aucun ne tourne : ce plan de contrôle n'a ni nœud ni ordonnanceur. Ils ont été admis (quota, Pod Security, \
             isolation-gate) et attendent. Que les paquets soient vraiment filtrés n'est donc pas montré ici.",
            "None of them runs: this control plane has neither node nor scheduler. They were admitted (quota, Pod Security, \
             isolation-gate) and wait. Whether packets are really filtered is therefore not shown here.",
        )
    } else {
        scene.pick(
            "Ce cluster a des nœuds : un pod qui ne tourne pas dit pourquoi par `kubectl describe pod`.",
            "This cluster has nodes: a pod that does not run says why in `kubectl describe pod`.",
        )
    });
    Ok(())
}

pub(super) fn next(scene: &Scene, name: &str) -> Result<()> {
    say::heading(scene.pick("La suite", "Next"));
    let dir = |path: &Path| path.parent().unwrap_or(path).display().to_string();
    let kubectl = dir(scene.cluster.toolchain().path(Tool::Kubectl)?);
    let plugin = plugin().map(|path| dir(&path) + ":").unwrap_or_default();
    say::command(&format!("export PATH={plugin}{kubectl}:$PATH"));
    let alice = match &scene.cluster {
        Cluster::Local(control_plane) => {
            say::command(&format!(
                "export KUBECONFIG={}",
                control_plane.kubeconfig(User::Platform).display()
            ));
            format!("KUBECONFIG={} kubectl", control_plane.kubeconfig(User::Alice).display())
        }
        Cluster::Existing { .. } => "kubectl --as alice".to_owned(),
    };
    let commands = [
        (
            "kubectl describe sncp isolation -n atelier-app",
            "ce que l'opérateur reproche à l'atelier",
            "what the operator holds against the atelier",
        ),
        ("kubectl explain sncp.spec.network.flows", "ce qu'un flux déclare", "what a flow declares"),
        (
            "kubectl get networkpolicies -n boutique-data",
            "ce que l'opérateur a posé",
            "what the operator put in place",
        ),
        ("kubectl snc status", "les conditions, avec leurs raisons", "the conditions, with their reasons"),
        (
            "kubectl snc plan",
            "ce que l'opérateur changerait maintenant",
            "what the operator would change now",
        ),
        (
            "kubectl snc audit",
            "ce que le catalogue dit de ce cluster",
            "what the catalogue says of this cluster",
        ),
        (
            "kubectl snc explain 9.7.a",
            "une exigence, ses contrôles, ses preuves",
            "a requirement, its controls, its evidence",
        ),
        ("kubectl snc flows -o md", "la matrice des flux pour l'auditeur", "the flow matrix for the auditor"),
        (
            "kubectl delete networkpolicy quick-fix -n atelier-app",
            "l'atelier redevient EFFECTIVE=True",
            "the atelier is EFFECTIVE=True again",
        ),
    ];
    for (command, fr, en) in commands {
        outln!("   $ {command:56} # {}", scene.pick(fr, en));
    }
    outln!(
        "\n   {}",
        scene.pick("Comme alice, qui ne voit que sa boutique :", "As alice, who sees her shop only:")
    );
    say::command(&format!("{alice} get pods,sncp -n boutique-app"));
    say::command(&format!("{alice} get pods -n atelier-app    # {}", scene.pick("refusé", "refused")));
    outln!("\n   {}", scene.pick("Arrêter :", "Stop:"));
    match scene.cluster {
        Cluster::Local(_) => say::command(&format!("cargo xtask down --name {name}")),
        Cluster::Existing { .. } => {
            say::command(&format!("cargo xtask demo --existing --remove --name {name}"));
        }
    }
    let log = scene.cluster.instance().log_path(super::scene::OPERATOR);
    let log = log.strip_prefix(workspace::root()).unwrap_or(&log);
    outln!("   {} {}", scene.pick("Journal de l'opérateur :", "Log of the operator:"), log.display());
    Ok(())
}
