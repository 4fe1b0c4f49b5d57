//! `--existing`: the demo on a cluster that somebody else runs.

use super::{
    lang::Lang,
    say,
    scene::{Cluster, Person},
};
use crate::harness::{self, Client, Environment, Instance, Output, Tool, Toolchain, interrupt, workspace};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    fs::{OpenOptions, Permissions},
    io::{self, BufRead, IsTerminal, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

const NAMESPACES: [&str; 6] =
    ["boutique-app", "boutique-data", "atelier-app", "atelier-test", "snc-system", "snc-canary"];
const CRDS: [&str; 7] = [
    "sncpolicies.secnumcloud.dev",
    "snctenants.secnumcloud.dev",
    "sncbaselines.secnumcloud.dev",
    "sncassessments.secnumcloud.dev",
    "snccontrols.secnumcloud.dev",
    "sncexceptions.secnumcloud.dev",
    "sncwaiversets.secnumcloud.dev",
];
/// What clusters that are not one's own grant at most, usually.
const TOKEN_DURATION: &str = "--duration=24h";

fn toolchain() -> Result<Toolchain> {
    Toolchain::ensure_tools(&Environment::current()?, &Tool::CLIENTS)
}

/// Address of the API server that KUBECONFIG leads to.
pub(super) fn server() -> Result<String> {
    server_of(&Client::existing(&toolchain()?)?)
}

fn server_of(client: &Client) -> Result<String> {
    let server =
        client.kubectl_ok(["config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"])?;
    if server.is_empty() {
        bail!("KUBECONFIG leads to no cluster");
    }
    Ok(server)
}

/// Says what is going to happen, refuses where it would meet something of somebody else's, asks on a terminal.
pub(super) fn open(lang: Lang, base: &Path, name: &str) -> Result<Cluster> {
    let toolchain = toolchain()?;
    let platform = Person::new(Client::existing(&toolchain)?);
    let server = server_of(platform.client())?;
    let may = platform.kubectl(&["auth", "can-i", "*", "*", "--all-namespaces", "--request-timeout=10s"])?;
    match may.stdout.trim() {
        "yes" => {}
        "no" => bail!("{}", lang.pick(
            "le contexte courant n'est pas cluster-admin : la démo crée des CRD, des rôles et des ValidatingAdmissionPolicy",
            "the current context is not cluster-admin: the demo creates CRDs, roles and ValidatingAdmissionPolicies",
        )),
        _ => bail!("{server}: {}", may.stderr.trim()),
    }
    let found = leftovers(&platform)?;
    if !found.is_empty() {
        let why = lang.pick(
            "existe déjà dans ce cluster ; `cargo xtask demo --existing --remove` retire ce qu'une démo y a laissé",
            "is in this cluster already; `cargo xtask demo --existing --remove` removes what a demo left there",
        );
        bail!("{}: {why}", found.join(", "));
    }
    explain(lang, &server);
    confirm(lang)?;
    let instance = Instance::create(base, name, true)?;
    let tools = toolchain.to_record();
    let made = Cluster::Existing { instance, toolchain, owned: true };
    made.instance().update(|record| {
        record.tools = tools;
        record.ready = true;
    })?;
    Ok(made)
}

fn leftovers(platform: &Person) -> Result<Vec<String>> {
    let of = |kind: &str, names: &[&str]| {
        let args: Vec<&str> = [kind].iter().chain(names).copied().chain(["--output=name"]).collect();
        let fixed = ["get", "--ignore-not-found"];
        platform.ok(&fixed.iter().chain(&args).copied().collect::<Vec<_>>())
    };
    let found = of("namespaces", &NAMESPACES)? + &of("customresourcedefinitions", &CRDS)?;
    Ok(found.lines().map(str::to_owned).collect())
}

fn explain(lang: Lang, server: &str) {
    say::heading(lang.pick("Ce que la démo va créer", "What the demo will create"));
    say::note(&format!("{} {server}", lang.pick("Cluster :", "Cluster:")));
    say::note(lang.pick(
        "- l'opérateur : 6 CRD, des ClusterRole snc-*, les namespaces snc-system, snc-canary et snc-canary-tenant, des \
         ValidatingAdmissionPolicy *.secnumcloud.dev (elles voient tout le cluster et ne refusent que ce qui touche aux \
         tenants) ; il tourne sur cette machine, comme processus, avec un jeton de 24 h au plus ; pas de webhook : ce cluster \
         ne joindrait pas cette machine ;",
        "- the operator: 7 CRDs, ClusterRoles snc-*, the namespaces snc-system, snc-canary and snc-canary-tenant, \
         ValidatingAdmissionPolicies *.secnumcloud.dev (they see the whole cluster and refuse only what touches tenants); it \
         runs on this machine, as a process, with a token of at most 24 h; no webhook: that cluster would not reach this \
         machine;",
    ));
    say::note(lang.pick(
        "- deux tenants : les namespaces boutique-app, boutique-data, atelier-app, un moment atelier-test ; les pods y \
         démarrent vraiment si le cluster a des nœuds ;",
        "- two tenants: the namespaces boutique-app, boutique-data, atelier-app, for a while atelier-test; their pods \
         really start if the cluster has nodes;",
    ));
    say::note(lang.pick(
        "- alice et bruno sont joués par impersonation (kubectl --as).",
        "- alice and bruno are played by impersonation (kubectl --as).",
    ));
}

fn confirm(lang: Lang) -> Result<()> {
    if !io::stdin().is_terminal() {
        return Ok(());
    }
    out!("{} ", lang.pick("\nContinuer ? [o/N]", "\nGo on? [y/N]"));
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    interrupt::check()?;
    if !matches!(answer.trim(), "o" | "O" | "oui" | "y" | "Y" | "yes") {
        bail!("{}", lang.pick("rien n'a été fait", "nothing was done"));
    }
    Ok(())
}

/// The cluster of KUBECONFIG with a token of the operator's ServiceAccount as the only credential.
pub(super) fn token_kubeconfig(platform: &Person, instance: &Instance) -> Result<PathBuf> {
    let token =
        platform.ok(&["create", "token", "snc-controller", "--namespace=snc-system", TOKEN_DURATION])?;
    let view = platform.ok(&["config", "view", "--minify", "--flatten", "--output=json"])?;
    let mut config: Value = serde_json::from_str(&view)?;
    config["users"] = json!([{ "name": "snc-controller", "user": { "token": token.trim() } }]);
    config["contexts"][0]["context"]["user"] = json!("snc-controller");
    let path = instance.dir().join("kubeconfig.sa.snc-system.snc-controller");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(&serde_json::to_vec(&config)?)?;
    Ok(path)
}

/// The chart without pods: the operator runs beside.
pub(super) fn install_chart(client: &Client, language: &str) -> Result<()> {
    let chart = workspace::chart().display().to_string();
    let args = [
        "upgrade",
        "--install",
        "snc",
        "--namespace=snc-system",
        "--create-namespace",
        "--set",
        // No image is published, and the API server of that cluster does not reach a webhook on this machine.
        "replicas=0,webhook.enabled=false,upgrade.migrateStoredVersions=false",
    ];
    client.helm_ok(args.into_iter().chain(["--set", language, &chart])).map(drop)
}

/// Ends the operator and takes everything of the demo out of the cluster, also after a run that did not finish.
pub(super) fn remove(lang: Lang, base: &Path, name: &str) -> Result<()> {
    let client = Client::existing(&toolchain()?)?;
    let server = server_of(&client)?;
    outln!("{} {server}", lang.pick("La démo est retirée de", "The demo is removed from"));
    // First, so that it creates nothing again; what it guards can be deleted without it.
    harness::stop(base, name, false)?;
    take_out(&client)
}

pub(super) fn take_out(client: &Client) -> Result<()> {
    let delete = |args: &[&str]| {
        let fixed = ["delete", "--ignore-not-found", "--timeout=120s"];
        fine(client.kubectl(fixed.iter().chain(args))?)
    };
    let served = |kind: &str| {
        let names = client.kubectl_ok([
            "get",
            "customresourcedefinitions",
            "--output=name",
            "--ignore-not-found",
            kind,
        ]);
        names.map(|text| !text.trim().is_empty())
    };
    if served("snctenants.secnumcloud.dev")? {
        delete(&["snctenants", "boutique", "atelier"])?;
    }
    if served("sncbaselines.secnumcloud.dev")? {
        delete(&["sncbaselines", "socle"])?;
    }
    delete(&["namespaces", "boutique-app", "boutique-data", "atelier-app", "atelier-test"])?;
    let guards = "validatingadmissionpolicybindings,validatingadmissionpolicies";
    delete(&[guards, "--selector=app.kubernetes.io/managed-by=snc-operator"])?;
    let planted = "clusterroles,clusterrolebindings";
    delete(&[planted, "snc-demo-namespace-editor"])?;
    // Without its hook, which would be a pod: what that removes is removed above.
    let uninstall =
        ["uninstall", "snc", "--namespace=snc-system", "--ignore-not-found", "--wait", "--no-hooks"];
    fine(client.helm(uninstall)?)?;
    delete(&["namespaces", "snc-system", "snc-canary"])?;
    delete(&[&["customresourcedefinitions"][..], &CRDS].concat())
}

fn fine(output: Output) -> Result<()> {
    out!("{}", output.stdout);
    if !output.success() {
        bail!("{}", output.stderr.trim());
    }
    Ok(())
}

pub(super) fn check_same(expected: &str) -> Result<()> {
    let server = server().context("the cluster of KUBECONFIG")?;
    if server != expected {
        bail!("this demo runs on {expected}, KUBECONFIG leads to {server}; choose another --name");
    }
    Ok(())
}
