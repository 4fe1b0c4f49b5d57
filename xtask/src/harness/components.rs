//! The command lines of etcd, the API server and the controller manager.

use crate::harness::{certs::Files, node, process::ProcessSpec};
use std::{collections::BTreeMap, path::Path};

pub(crate) fn spec(program: &Path, args: Vec<String>) -> ProcessSpec {
    ProcessSpec { program: program.to_path_buf(), args, env: BTreeMap::new(), clean_env: true, dir: None }
}

fn path_flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

pub(crate) fn etcd(program: &Path, data: &Path, client: u16, peer: u16) -> ProcessSpec {
    let client = format!("http://127.0.0.1:{client}");
    let peer = format!("http://127.0.0.1:{peer}");
    spec(
        program,
        vec![
            "--name=default".to_owned(),
            path_flag("data-dir", data),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            "--quota-backend-bytes=8589934592".to_owned(),
            // Nothing here outlives the machine, and fsync is most of etcd's latency.
            "--unsafe-no-fsync".to_owned(),
        ],
    )
}

pub(crate) fn api_server(
    program: &Path,
    files: &Files,
    etcd: u16,
    port: u16,
    on_node: bool,
    extra: &[String],
) -> ProcessSpec {
    let place: &[String] = &if on_node {
        [
            // Pods reach it, and nobody else is in the node's network.
            "--bind-address=0.0.0.0".to_owned(),
            format!("--advertise-address={}", node::NODE_ADDRESS),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--endpoint-reconciler-type=lease".to_owned(),
        ]
    } else {
        [
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            // No endpoints for the Service "kubernetes": loopback addresses are not allowed in them.
            "--endpoint-reconciler-type=none".to_owned(),
        ]
    };
    let mut args = vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        format!("--secure-port={port}"),
        path_flag("tls-cert-file", &files.server),
        path_flag("tls-private-key-file", &files.server_key),
        path_flag("client-ca-file", &files.ca),
        "--allow-privileged=true".to_owned(),
        format!("--service-cluster-ip-range={}", node::SERVICE_ADDRESSES),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        path_flag("service-account-key-file", &files.service_account_public),
        path_flag("service-account-signing-key-file", &files.service_account_key),
        path_flag("requestheader-client-ca-file", &files.proxy_ca),
        "--requestheader-allowed-names=front-proxy-client".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        path_flag("proxy-client-cert-file", &files.proxy),
        path_flag("proxy-client-key-file", &files.proxy_key),
    ];
    args.extend_from_slice(place);
    if let Some(certs) = files.ca.parent().filter(|_| on_node) {
        args.extend(node::api_server_args(certs));
    }
    args.extend_from_slice(extra);
    spec(program, args)
}

pub(crate) fn controller_manager(
    program: &Path,
    files: &Files,
    kubeconfig: &Path,
    certificates: &Path,
    port: u16,
    extra: &[String],
) -> ProcessSpec {
    let mut args = vec![
        path_flag("kubeconfig", kubeconfig),
        path_flag("authentication-kubeconfig", kubeconfig),
        path_flag("authorization-kubeconfig", kubeconfig),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        path_flag("cert-dir", certificates),
        "--controllers=*".to_owned(),
        "--leader-elect=false".to_owned(),
        "--use-service-account-credentials=true".to_owned(),
        path_flag("service-account-private-key-file", &files.service_account_key),
        path_flag("root-ca-file", &files.ca),
        path_flag("cluster-signing-cert-file", &files.ca),
        path_flag("cluster-signing-key-file", &files.ca_key),
        "--kube-api-qps=200".to_owned(),
        "--kube-api-burst=400".to_owned(),
    ];
    args.extend_from_slice(extra);
    spec(program, args)
}
