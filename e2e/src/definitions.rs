//! Kinds that a bare API server does not serve, as their projects publish them.
//!
//! None of these definitions names a conversion webhook: they are installed unchanged.

use crate::api::Api;
use crate::objects::{CRDS, at};
use crate::wait::within;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use xtask::harness::{go_source, workspace};

struct Source {
    module: &'static str,
    /// Each is a file of `folder`.
    kinds: &'static [(&'static str, &'static str)],
    folder: &'static str,
}

const SOURCES: &[Source] = &[
    Source {
        module: "github.com/aquasecurity/trivy-operator",
        folder: "deploy/helm/crds",
        kinds: &[(
            "aquasecurity.github.io/VulnerabilityReport",
            "aquasecurity.github.io_vulnerabilityreports.yaml",
        )],
    },
    Source {
        module: "github.com/argoproj/argo-cd/v3",
        folder: "manifests/crds",
        kinds: &[("argoproj.io/Application", "application-crd.yaml")],
    },
    Source {
        module: "github.com/cert-manager/cert-manager",
        folder: "deploy/crds",
        kinds: &[
            ("cert-manager.io/Certificate", "cert-manager.io_certificates.yaml"),
            ("cert-manager.io/ClusterIssuer", "cert-manager.io_clusterissuers.yaml"),
            ("cert-manager.io/Issuer", "cert-manager.io_issuers.yaml"),
        ],
    },
    Source {
        module: "github.com/external-secrets/external-secrets",
        folder: "config/crds/bases",
        kinds: &[
            ("external-secrets.io/ClusterSecretStore", "external-secrets.io_clustersecretstores.yaml"),
            ("external-secrets.io/SecretStore", "external-secrets.io_secretstores.yaml"),
        ],
    },
    Source {
        module: "github.com/fluxcd/source-controller",
        folder: "config/crd/bases",
        kinds: &[
            ("source.toolkit.fluxcd.io/GitRepository", "source.toolkit.fluxcd.io_gitrepositories.yaml"),
            ("source.toolkit.fluxcd.io/HelmRepository", "source.toolkit.fluxcd.io_helmrepositories.yaml"),
            ("source.toolkit.fluxcd.io/OCIRepository", "source.toolkit.fluxcd.io_ocirepositories.yaml"),
        ],
    },
    Source {
        module: "github.com/kubernetes-csi/external-snapshotter/client/v8",
        folder: "config/crd",
        kinds: &[(
            "snapshot.storage.k8s.io/VolumeSnapshotClass",
            "snapshot.storage.k8s.io_volumesnapshotclasses.yaml",
        )],
    },
    Source {
        module: "github.com/kyverno/kyverno",
        folder: "config/crds/policyreport",
        kinds: &[
            ("wgpolicyk8s.io/ClusterPolicyReport", "wgpolicyk8s.io_clusterpolicyreports.yaml"),
            ("wgpolicyk8s.io/PolicyReport", "wgpolicyk8s.io_policyreports.yaml"),
        ],
    },
    Source {
        module: "github.com/openreports/reports-api",
        folder: "config/crd",
        kinds: &[
            ("openreports.io/ClusterReport", "openreports.io_clusterreports.yaml"),
            ("openreports.io/Report", "openreports.io_reports.yaml"),
        ],
    },
    Source {
        module: "github.com/prometheus-operator/prometheus-operator",
        folder: "example/prometheus-operator-crd",
        kinds: &[
            ("monitoring.coreos.com/Prometheus", "monitoring.coreos.com_prometheuses.yaml"),
            ("monitoring.coreos.com/PrometheusAgent", "monitoring.coreos.com_prometheusagents.yaml"),
        ],
    },
    Source {
        module: "github.com/vmware-tanzu/velero",
        folder: "config/crd/v1/bases",
        kinds: &[
            ("velero.io/BackupStorageLocation", "velero.io_backupstoragelocations.yaml"),
            ("velero.io/Schedule", "velero.io_schedules.yaml"),
            ("velero.io/VolumeSnapshotLocation", "velero.io_volumesnapshotlocations.yaml"),
        ],
    },
    Source {
        module: "istio.io/api",
        folder: "kubernetes",
        kinds: &[("security.istio.io/PeerAuthentication", "customresourcedefinitions.gen.yaml")],
    },
    Source {
        module: "sigs.k8s.io/gateway-api",
        folder: "config/crd/standard",
        kinds: &[
            ("gateway.networking.k8s.io/Gateway", "gateway.networking.k8s.io_gateways.yaml"),
            ("gateway.networking.k8s.io/GRPCRoute", "gateway.networking.k8s.io_grpcroutes.yaml"),
            ("gateway.networking.k8s.io/HTTPRoute", "gateway.networking.k8s.io_httproutes.yaml"),
            ("gateway.networking.k8s.io/ReferenceGrant", "gateway.networking.k8s.io_referencegrants.yaml"),
            ("gateway.networking.k8s.io/TLSRoute", "gateway.networking.k8s.io_tlsroutes.yaml"),
        ],
    },
];

/// Every kind that can be installed, `group/Kind`.
pub fn known() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().flat_map(|source| source.kinds).map(|(kind, _)| *kind)
}

/// Returns once these are served; gives those of the wanted that can be installed.
pub fn install(api: &Api, wanted: &BTreeSet<&str>) -> Result<Vec<&'static str>> {
    let (mut names, mut awaited) = (Vec::new(), Vec::new());
    for source in SOURCES {
        let kinds: Vec<_> = source.kinds.iter().filter(|(kind, _)| wanted.contains(kind)).collect();
        if kinds.is_empty() {
            continue;
        }
        let folder = go_source(&workspace::root().join("e2e/crds"), source.module)?.join(source.folder);
        for (kind, file) in kinds {
            let file = folder.join(file);
            let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            let documents: Vec<Value> = serde_saphyr::from_multiple(&text)?;
            let definition = documents
                .into_iter()
                .find(|document| defines(document, kind))
                .with_context(|| format!("{} does not define {kind}", file.display()))?;
            names.push(definition["metadata"]["name"].as_str().unwrap_or_default().to_owned());
            awaited.push(*kind);
            api.create(CRDS, definition).with_context(|| (*kind).to_owned())?;
        }
    }
    for name in &names {
        within(Duration::from_secs(60), &format!("{name} to be served"), || {
            let definition = api.get(at(CRDS, name))?;
            let conditions = definition["status"]["conditions"].as_array();
            let established = |c: &Value| c["type"] == "Established" && c["status"] == "True";
            ensure!(conditions.is_some_and(|all| all.iter().any(established)), "{}", definition["status"]);
            Ok(())
        })?;
    }
    Ok(awaited)
}

fn defines(document: &Value, kind: &str) -> bool {
    let spec = &document["spec"];
    kind.split_once('/').is_some_and(|(group, kind)| spec["group"] == group && spec["names"]["kind"] == kind)
}
