//! A node that loses its power and gets it back.

use super::{
    LIMIT, Site,
    chart::{CONTROLLERS, WEBHOOKS},
};
use anyhow::{Context, Result, ensure};
use snc_e2e::{
    cluster::OPERATOR_NAMESPACE,
    wait::{eventually, throughout, within},
};
use std::{
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use xtask::harness::{Tool, node::ENFORCER};

/// All at once: what runs pods and network, and what is in pods. Then what a machine forgets: cgroups, rules, networks of
/// pods, mounts and state below /run. The hosts outside and the API server are other machines.
const POWER_OFF: &str = r#"
set -u
all=
for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    [ "$pid" = 1 ] && continue
    read -r name 2>/dev/null < "$process/comm" || continue
    case $name in
    kubelet | containerd | containerd-shim* | kube-proxy | snc-enforcer) all="$all $pid" ;;
    *) grep -q kubepods "$process/cgroup" 2>/dev/null && all="$all $pid" ;;
    esac
done
kill -9 $all
for pid in $all; do
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
done
find /sys/fs/cgroup -depth -path '*/kubepods*' -type d -exec rmdir {} +
for table in "inet snc_enforcer" "ip kube-proxy" "ip6 kube-proxy"; do nft delete table $table 2>/dev/null; done
awk '$2 ~ "^/(run/containerd|run/netns/cni-|var/lib/kubelet/pods)" { print $2 }' /proc/mounts | sort -r |
    while read -r mount; do umount -l "$mount"; done
rm -rf /run/containerd /run/netns/cni-* /run/cni-addresses
echo $all | wc -w
"#;
/// Until nobody doubts that pods would run if they could.
const WITHOUT_ENFORCER: Duration = Duration::from_secs(15);
const STAYS: Duration = Duration::from_secs(3);

pub fn comes_back(site: &Site) -> Result<()> {
    let began = site.start_traffic()?;
    let output = site.plane.command_in_node(Path::new("sh"))?.args(["-c", POWER_OFF]).output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("{} processes ended at once", told.trim());
    ensure!(site.has_rules().is_err(), "the enforcer's rules are there");
    let (started, since) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH)?);

    // The worst order: who enforces comes last.
    let instance = site.plane.instance();
    for tool in [Tool::Containerd, Tool::KubeProxy] {
        instance.restart(tool.name())?;
    }
    // It ends where containerd listens and does not answer yet, and is started again, as a machine does.
    within(LIMIT, "the kubelet to stay", || {
        let kubelet = instance.restart(Tool::Kubelet.name())?;
        ensure!(throughout(STAYS, || kubelet.alive().then_some(()).context("ended")).is_ok(), "ended");
        Ok(())
    })?;
    within(LIMIT, "the kubelet to be refused a network", || {
        let events = site.admin.list("/api/v1/events?fieldSelector=reason=FailedCreatePodSandBox")?;
        let refused = events.iter().any(|event| event["message"].to_string().contains("has no table yet"));
        ensure!(refused, "{} events", events.len());
        Ok(())
    })?;
    throughout(WITHOUT_ENFORCER, || site.has_rules().is_err().then_some(()).context("somebody enforces"))?;
    let sandboxes = site.plane.command_in_node(Path::new("sh"))?.args(["-c", "ls /run/netns"]).output()?;
    println!("before the enforcer: {}", String::from_utf8_lossy(&sandboxes.stdout).replace('\n', " "));
    instance.restart(ENFORCER)?;
    eventually("the enforcer's rules", || site.has_rules())?;

    site.pods_are_ready()?;
    site.ready(OPERATOR_NAMESPACE, CONTROLLERS, 2)?;
    site.ready(OPERATOR_NAMESPACE, WEBHOOKS, 3)?;
    println!("every pod is ready {:.1} s after the node was gone", started.elapsed().as_secs_f64());
    let arrived = within(LIMIT, "the allowed flow to arrive again", || {
        let arrived = site.arrived(began)?;
        let since = u64::try_from(since.as_millis())?;
        ensure!(arrived.times.iter().any(|time| *time > since + 1000), "nothing since");
        Ok(arrived)
    })?;
    println!("allowed: nothing arrived for {:?}; denied: 0 packets arrived", arrived.longest_gap());
    site.settled("after the restart of the node")?;
    site.helm_test_passes()?;
    site.arrived(began)?;
    site.stop_traffic()
}
