//! Enforces NetworkPolicies for the pods of one node, for tests. Users bring Calico, Cilium or another network plugin.
//!
//! Every change makes the whole table anew, and nft puts it in place in one transaction. When this process ends, what was
//! last in force stays.

mod network;
mod rules;
mod selector;

use anyhow::{Context, Result, bail};
use clap::Parser;
use futures::{StreamExt, TryStreamExt};
use ipnet::Ipv4Net;
use k8s_openapi::api::{
    core::v1::{Namespace, Pod},
    networking::v1::NetworkPolicy,
};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{WatchStreamExt, reflector, reflector::Store, watcher},
};
use rules::{TABLE, World};
use std::{collections::BTreeMap, fmt::Debug, hash::Hash, path::PathBuf, process::Stdio, time::Duration};
use tokio::{io::AsyncWriteExt as _, process::Command, time};

#[derive(Parser)]
struct Args {
    #[arg(long)]
    kubeconfig: PathBuf,
    #[arg(long)]
    node: String,
    /// Addresses of this range that no known pod has reach nothing and are not reached
    #[arg(long, value_name = "CIDR")]
    default_drop: Option<Ipv4Net>,
}

/// Changes come in groups.
const TOGETHER: Duration = Duration::from_millis(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    if let Ok(command) = std::env::var("CNI_COMMAND") {
        return network::answer(&command).await;
    }
    let args = Args::parse();
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        bail!("a TLS provider was installed already");
    }
    let kubeconfig = Kubeconfig::read_from(&args.kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let client = Client::try_from(config)?;
    if args.default_drop.is_some() && !table_is_there().await? {
        let none = BTreeMap::new();
        apply(&World::new([], &none, []).table(&args.node, args.default_drop)).await?;
        eprintln!("every pod is cut off until it is known");
    }
    enforce(&client, &args).await
}

async fn enforce(client: &Client, args: &Args) -> Result<()> {
    let (pods, of_pods) = watched::<Pod>(client);
    let (namespaces, of_namespaces) = watched::<Namespace>(client);
    let (policies, of_policies) = watched::<NetworkPolicy>(client);
    let mut changes = futures::stream::select_all([of_pods, of_namespaces, of_policies]);
    let mut last = String::new();
    let mut listed = false;
    loop {
        changes.next().await.context("the watches ended")?;
        let _ = time::timeout(TOGETHER, async { while changes.next().await.is_some() {} }).await;
        // Not before each kind was listed once: policies without their pods, or pods without policies, would be wrong.
        listed = listed || {
            let ready = async {
                pods.wait_until_ready().await?;
                namespaces.wait_until_ready().await?;
                policies.wait_until_ready().await
            };
            time::timeout(Duration::ZERO, ready).await.is_ok_and(|result| result.is_ok())
        };
        if !listed {
            continue;
        }
        let labels = namespaces.state().iter().map(|one| (one.name_any(), one.labels().clone())).collect();
        let (pods, policies) = (pods.state(), policies.state());
        let world = World::new(pods.iter().map(AsRef::as_ref), &labels, policies.iter().map(AsRef::as_ref));
        let table = world.table(&args.node, args.default_drop);
        if table == last {
            continue;
        }
        apply(&table).await?;
        last = table;
        let (pods, policies) = world.counts();
        eprintln!("in force: {pods} pods, {policies} policies");
    }
}

type Changes = futures::stream::BoxStream<'static, ()>;

/// What the API server has of a kind, and a stream with an item for each change of it.
fn watched<K>(client: &Client) -> (Store<K>, Changes)
where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + serde::de::DeserializeOwned + 'static,
    K::DynamicType: Hash + Eq,
{
    let (store, writer) = reflector::store();
    let events = watcher(Api::<K>::all(client.clone()), watcher::Config::default()).default_backoff();
    let changes = reflector(writer, events).inspect_err(|error| eprintln!("watch: {error}")).map(drop);
    (store, changes.boxed())
}

async fn table_is_there() -> Result<bool> {
    let output =
        Command::new("nft").args(["list", "table", "inet", TABLE]).output().await.context("run nft")?;
    Ok(output.status.success())
}

/// All or nothing. What nft refuses is a mistake of ours: it ends with us, and what was in force stays.
async fn apply(table: &str) -> Result<()> {
    let mut nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("run nft")?;
    nft.stdin.take().context("standard input of nft")?.write_all(table.as_bytes()).await?;
    let output = nft.wait_with_output().await?;
    if !output.status.success() {
        bail!("nft refused:\n{}\n{table}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
