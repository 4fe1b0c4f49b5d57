//! The admission webhook beside the operator: a process of this machine, with the certificate that the operator makes for it
//! and the rights of the chart's ServiceAccount.

use super::scene::{Cluster, Scene};
use crate::{
    commands::cargo,
    harness::{ControlPlane, wait_until},
};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, DirBuilder},
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

pub(super) const PROCESS: &str = "snc-webhook";
/// The `ValidatingWebhookConfiguration`, and the end of the name of each webhook in it.
pub(super) const NAME: &str = "snc-webhook.secnumcloud.dev";
const SECRET: &str = "snc-webhook-tls";
const FILES: [&str; 3] = ["tls.crt", "tls.key", "ca.crt"];
const ANSWER: Duration = Duration::from_secs(2);

/// Where it is going to answer: the operator is told before it starts.
pub(super) struct Ports {
    webhook: SocketAddr,
    health: SocketAddr,
}

impl Ports {
    pub(super) fn choose() -> Result<Self> {
        // Both at once, so that they are two.
        let [webhook, health] =
            [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
        Ok(Self { webhook: webhook.local_addr()?, health: health.local_addr()? })
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.webhook)
    }
}

/// Returns once it answers and the API server was told of it.
pub(super) fn start(scene: &Scene, ports: &Ports) -> Result<()> {
    let Cluster::Local(control_plane) = &scene.cluster else {
        bail!("a webhook on this machine cannot be reached from a cluster elsewhere");
    };
    let tls = certificate(scene, control_plane.dir())?;
    let mut command = command(scene, control_plane, ports)?;
    command.arg("--tls-dir").arg(tls);
    scene.cluster.instance().spawn(PROCESS, &command)?;
    wait_until("the webhook to be ready", Duration::from_secs(40), Duration::from_millis(250), || {
        if !scene.cluster.instance().process(PROCESS)?.alive() {
            let log = scene.cluster.instance().log_path(PROCESS);
            bail!("the webhook ended; its log is {}", log.display());
        }
        Ok(ready(ports.health).then_some(()))
    })?;
    scene
        .until("the API server to be told of the webhook", 40, || {
            scene.platform.get(&["validatingwebhookconfigurations", NAME])
        })
        .map(drop)
}

/// What the kubelet would mount: the Secret that the operator keeps.
fn certificate(scene: &Scene, instance: &Path) -> Result<PathBuf> {
    let read = |file: &str| {
        let template = format!("--output=go-template={{{{index .data {file:?} | base64decode}}}}");
        scene.platform.ok(&["get", "secret", SECRET, "--namespace=snc-system", &template])
    };
    scene.until("the certificate of the webhook", 40, || {
        scene.platform.get(&["secrets", SECRET, "--namespace=snc-system"])
    })?;
    let dir = instance.join("webhook-tls");
    DirBuilder::new().mode(0o700).create(&dir).with_context(|| dir.display().to_string())?;
    for file in FILES {
        fs::write(dir.join(file), read(file)?)?;
    }
    Ok(dir)
}

fn command(scene: &Scene, control_plane: &ControlPlane, ports: &Ports) -> Result<Command> {
    let month = Duration::from_secs(30 * 24 * 3600);
    let kubeconfig = control_plane.token_kubeconfig("snc-system", "snc-webhook", month)?;
    let mut command = Command::new(cargo::built("snc-operator"));
    command
        .args(["webhook", "--log-format=text", "--language", scene.lang.code()])
        .args(["--listen", &ports.webhook.to_string(), "--metrics-listen", &ports.health.to_string()])
        .args(["--server-name", &ports.webhook.ip().to_string()])
        .env("KUBECONFIG", kubeconfig)
        .env("NO_COLOR", "1");
    Ok(command)
}

/// 200 once everything was listed and the published bundle trusts the certificate.
fn ready(health: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&health, ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: webhook\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
