//! The chart as its users install it: by helm, in pods of an image, on a node that lets nothing through that it does not
//! know.

pub mod chart;
pub mod check;
pub mod images;
pub mod life;
mod matrix;
mod outside;
pub mod packets;
mod pods;
pub mod probe;
mod reach;
mod release;
pub mod restart;
pub mod senders;
mod traffic;
pub mod upgrade;

use crate::PROFILE;
use anyhow::{Result, ensure};
use release::Release;
use serde_json::Value;
use snc_e2e::{
    api::Api,
    cluster::kubectl_snc,
    objects::{Kind, text},
    wait::within,
};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use xtask::{
    harness::{
        Builder, ControlPlane, Environment, Output, Tool, Toolchain, User,
        node::{Enforcement, Node},
        workspace,
    },
    image::{self, Layout},
};

const POD_IMAGE: &str = "localhost/snc-pod:e2e";
/// For what takes pods that start or end.
const LIMIT: Duration = Duration::from_secs(120);

pub struct Site {
    pub plane: ControlPlane,
    /// `system:masters`
    pub admin: Api,
    pub platform: Api,
    pub pod_binary: PathBuf,
    pub release: Release,
    /// Of the pods of the tests, as a pull by digest would name it.
    pub pod_image: String,
    _images: TempDir,
    // Last, since the clients above live on it.
    _runtime: Runtime,
}

impl Site {
    pub fn start() -> Result<Self> {
        let started = Instant::now();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let tools: Vec<Tool> = Tool::every().collect();
        let toolchain = Toolchain::ensure_tools(&Environment::current()?, &tools)?;
        let pod_binary = workspace::static_binary("snc-pod", PROFILE)?;
        let images = TempDir::new()?;
        let release = Release::of_tests()?;
        let (pod, pod_image) = write_pod(images.path(), &pod_binary)?;
        let node = Node {
            enforcement: Enforcement::FailClosed,
            pause: pod_binary.clone(),
            images: vec![release.image.clone(), pod],
        };
        let plane = Builder::ephemeral("site")?.node(node).start(&toolchain)?;
        plane.name_image(&release.tagged(), &release.by_digest())?;
        plane.name_image(POD_IMAGE, &pod_image)?;
        let runtime = Runtime::new()?;
        let api = |user: User| Api::new(runtime.handle(), &plane.kubeconfig(user));
        let site = Self {
            admin: api(User::Admin)?,
            platform: api(User::Platform)?,
            plane,
            pod_binary,
            release,
            pod_image,
            _images: images,
            _runtime: runtime,
        };
        println!("node with images in {:.1} s", started.elapsed().as_secs_f64());
        site.outside_hosts()?;
        chart::install(&site)?;
        Ok(site)
    }

    /// The plugin of kubectl, as the platform's people run it.
    pub fn kubectl_snc(&self, args: &[&str]) -> Result<Output> {
        kubectl_snc(&self.plane, User::Platform, args)
    }

    /// Waits until all pods of a namespace that these labels select, so many, are ready; and gives them.
    pub fn ready(&self, namespace: &str, selector: &str, count: usize) -> Result<Vec<Value>> {
        let pods = format!("{}?labelSelector={selector}", Kind::Pod.all(namespace));
        within(LIMIT, &format!("{count} ready pods {selector} in {namespace}"), || {
            let pods = self.admin.list(&pods)?;
            let seen: Vec<String> = pods
                .iter()
                .map(|pod| format!("{} {}", text(pod, "/metadata/name"), pod["status"]["containerStatuses"]))
                .collect();
            ensure!(pods.len() == count && pods.iter().all(is_ready), "{seen:#?}");
            Ok(pods)
        })
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    pod["metadata"]["deletionTimestamp"].is_null() && conditions.into_iter().any(ready)
}

/// The archive, and the image in it by its digest.
fn write_pod(dir: &Path, binary: &Path) -> Result<(PathBuf, String)> {
    let archive = dir.join("pod.tar");
    let image = image::pod(binary)?;
    Layout::default().image(POD_IMAGE, &image).write_archive(&archive)?;
    let repository = POD_IMAGE.split(':').next().unwrap_or_default();
    Ok((archive, format!("{repository}@{}", image.digest())))
}
