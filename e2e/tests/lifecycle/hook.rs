//! A hook of the chart: its program, its ServiceAccount and its rights, run here as the kubelet would.

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use snc_e2e::cluster::{Cluster, OPERATOR_NAMESPACE};
use snc_e2e::objects::text;
use snc_e2e::wait::eventually;
use std::process::{Command, Output};
use std::time::Duration;
use xtask::harness::{User, workspace};

const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// As it is in the release: its rights are put in place, and its Job is what is run.
pub struct Hook {
    pub rights: Vec<Value>,
    pub account: String,
    job: &'static str,
    container: Value,
}

impl Hook {
    pub fn of_release(cluster: &Cluster, event: &str, job: &'static str) -> Result<Self> {
        let helm = cluster.plane().client(User::Platform)?;
        let manifests = helm.helm_ok(["get", "hooks", "snc", "--namespace", OPERATOR_NAMESPACE])?;
        let documents: Vec<Value> = manifests
            .split("\n---")
            .map(|document| document.trim_start_matches("---"))
            .filter(|document| document.lines().any(|line| line.starts_with("kind:")))
            .map(|document| Ok(serde_saphyr::from_str(document)?))
            .collect::<Result<_>>()?;
        let of_event = |hook: &Value| hook["metadata"]["annotations"]["helm.sh/hook"] == event;
        let (jobs, rights): (Vec<Value>, Vec<Value>) =
            documents.into_iter().filter(of_event).partition(|document| document["kind"] == "Job");
        let [made] = jobs.as_slice() else { bail!("one Job is expected: {jobs:?}") };
        // The API server would take it, and its admission too.
        helm.kubectl_stdin(["create", "--dry-run=server", "-f", "-"], &made.to_string()).and_then(
            |output| {
                ensure!(output.success() && output.stderr.is_empty(), "{}", output.stderr);
                Ok(())
            },
        )?;
        let spec = &made["spec"]["template"]["spec"];
        let account = text(spec, "/serviceAccountName").to_owned();
        ensure!(text(made, "/metadata/name") == job && !account.is_empty(), "{made}");
        Ok(Self { rights, account, job, container: spec["containers"][0].clone() })
    }

    pub fn user(&self) -> String {
        format!("system:serviceaccount:{OPERATOR_NAMESPACE}:{}", self.account)
    }

    /// Its rights, for as long as `act` takes. `known` are such that the API server knows of them once it knows of all.
    pub fn with_rights<T>(
        &self,
        cluster: &Cluster,
        known: &[&[&str]],
        act: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let helm = cluster.plane().client(User::Platform)?;
        for rights in &self.rights {
            helm.apply(&rights.to_string())?;
        }
        let user = self.user();
        // A pod takes longer to start than the API server to know of them.
        for right in known {
            let asked = ["auth", "can-i", "--as", &user, "--namespace", OPERATOR_NAMESPACE];
            eventually("the hook's rights", || {
                let answer = helm.kubectl(asked.iter().chain(*right))?;
                ensure!(answer.success(), "{}{}", answer.stdout, answer.stderr);
                Ok(())
            })?;
        }
        let done = act();
        for rights in &self.rights {
            helm.kubectl_stdin(["delete", "--ignore-not-found", "-f", "-"], &rights.to_string())?;
        }
        done
    }

    pub fn run(&self, cluster: &Cluster, known: &[&[&str]], env: &[(&str, &str)]) -> Result<Output> {
        self.with_rights(cluster, known, || self.program(cluster, env))
    }

    pub fn program(&self, cluster: &Cluster, env: &[(&str, &str)]) -> Result<Output> {
        let kubeconfig =
            cluster.plane().token_kubeconfig(OPERATOR_NAMESPACE, &self.account, TOKEN_LIFETIME)?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut command = Command::new(workspace::binary("snc-operator")?);
        command.args(list(&self.container["args"]).iter().filter_map(Value::as_str));
        command.env("KUBECONFIG", kubeconfig).envs(env.iter().copied());
        for variable in list(&self.container["env"]) {
            let value = match text(&variable, "/valueFrom/fieldRef/fieldPath") {
                "metadata.namespace" => OPERATOR_NAMESPACE,
                "spec.serviceAccountName" => &self.account,
                "metadata.name" => self.job,
                _ => text(&variable, "/value"),
            };
            command.env(text(&variable, "/name"), value);
        }
        Ok(command.output()?)
    }
}

pub fn succeeded(output: Output) -> Result<String> {
    let (said, log) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{said}{log}");
    Ok(said)
}
