//! The world outside of the cluster, which is inside of the node: a network namespace for each host, on a pair of
//! interfaces that leads to the node and nowhere else.

use super::{Site, pods::PORTS};
use anyhow::{Result, ensure};
use std::{net::Ipv4Addr, path::Path, process::Command};
use xtask::harness::{ProcessSpec, node::NODE_ADDRESS};

pub struct Host {
    pub name: &'static str,
    pub address: Ipv4Addr,
    /// Nobody sends from a metadata service.
    pub sends: bool,
}

/// Documentation's addresses: of the block that a tenant may reach, of another, and that of clouds' metadata.
pub const HOSTS: [Host; 3] = [
    Host { name: "partner", address: Ipv4Addr::new(203, 0, 113, 20), sends: true },
    Host { name: "internet", address: Ipv4Addr::new(198, 51, 100, 7), sends: true },
    Host { name: "metadata", address: Ipv4Addr::new(169, 254, 169, 254), sends: false },
];

impl Site {
    pub fn outside_hosts(&self) -> Result<()> {
        for host in &HOSTS {
            let (name, address) = (host.name, host.address);
            let interface = format!("o-{name}");
            for line in [
                format!("netns add {name}"),
                format!("link add {interface} type veth peer name eth0 netns {name}"),
                format!("link set {interface} up"),
                format!("route add {address}/32 dev {interface}"),
                format!("-n {name} link set lo up"),
                format!("-n {name} address add {address}/32 dev eth0"),
                format!("-n {name} link set eth0 up"),
                format!("-n {name} route add {NODE_ADDRESS}/32 dev eth0"),
                format!("-n {name} route add default via {NODE_ADDRESS} dev eth0"),
            ] {
                let output = self.plane.command_in_node(Path::new("ip"))?.args(line.split(' ')).output()?;
                let error = String::from_utf8_lossy(&output.stderr);
                ensure!(output.status.success(), "ip {line}: {error}");
            }
            self.serve_at(name, &["ip", "netns", "exec", name], host.address)?;
        }
        let address: Ipv4Addr = NODE_ADDRESS.parse()?;
        self.serve_at("node", &[], address)
    }

    /// A process of the instance that serves like a pod, under that name.
    fn serve_at(&self, name: &str, through: &[&str], address: Ipv4Addr) -> Result<()> {
        let mut words: Vec<String> = through.iter().map(|&word| word.to_owned()).collect();
        words.push(self.pod_binary.display().to_string());
        words.extend(["serve".to_owned(), "--on".to_owned(), address.to_string()]);
        words.extend(PORTS.map(|port| port.to_string()));
        let spec = ProcessSpec {
            program: words.remove(0).into(),
            args: words,
            env: [("HOSTNAME".to_owned(), Some(name.to_owned()))].into(),
            clean_env: false,
            dir: None,
        };
        self.plane.spawn_in_node(&format!("serve-{name}"), &spec)
    }

    /// A command at a host outside.
    pub fn at(&self, host: &Host) -> Result<Command> {
        let mut command = self.plane.command_in_node(Path::new("ip"))?;
        command.args(["netns", "exec", host.name]).arg(&self.pod_binary);
        Ok(command)
    }
}
