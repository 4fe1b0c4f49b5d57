//! Everything that could talk to everything, tried by packets, beside what `kubectl snc reach` says of it.

use super::{
    Site,
    outside::{HOSTS, Host},
    pods::{ALL, EXPOSED, PORTS, Who},
    reach::{End, Reach},
};
use anyhow::{Context, Result, bail, ensure};
use std::{collections::BTreeMap, fmt::Write as _, net::Ipv4Addr, process::Output, thread};
use xtask::harness::{Tool, User, node::NODE_ADDRESS};

const PROTOCOLS: [&str; 2] = ["TCP", "UDP"];

#[derive(Clone, Copy)]
enum Source {
    Pod(&'static Who),
    Outside(&'static Host),
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Pod(who) => who.name,
            Self::Outside(host) => host.name,
        }
    }

    fn end(self) -> End {
        match self {
            Self::Pod(who) => End::Pod(who.namespace, who.name),
            Self::Outside(host) => End::Address(host.address),
        }
    }

    fn every() -> Vec<Self> {
        let hosts = HOSTS.iter().filter(|host| host.sends).map(Self::Outside);
        ALL.iter().map(Self::Pod).chain(hosts).collect()
    }
}

/// A way to somebody: an address and a port, and who answers there.
struct Target {
    /// Of the column.
    column: String,
    answers: &'static str,
    end: End,
    protocol: &'static str,
    /// Of the one that answers; a Service has ports of its own.
    port: u16,
    at: (Ipv4Addr, u16),
}

impl Target {
    fn written(&self) -> String {
        format!("{}:{}:{}", self.protocol, self.at.0, self.at.1)
    }
}

pub struct Cell {
    pub from: &'static str,
    pub to: String,
    pub answers: &'static str,
    pub protocol: &'static str,
    pub port: u16,
    pub expected: bool,
    /// What `snc-pod probe` says: `answered NAME`, `silent` …
    pub seen: String,
}

impl Cell {
    pub fn open(&self) -> bool {
        self.seen == format!("answered {}", self.answers)
    }

    pub fn agrees(&self) -> bool {
        if self.expected { self.open() } else { self.seen == "silent" }
    }
}

pub struct Matrix {
    pub cells: Vec<Cell>,
}

impl Site {
    fn targets(&self) -> Result<Vec<Target>> {
        let mut targets = Vec::new();
        let mut add = |column: &str, answers, end, address: Ipv4Addr| {
            for port in PORTS {
                targets.extend(PROTOCOLS.map(|protocol| Target {
                    column: column.to_owned(),
                    answers,
                    end,
                    protocol,
                    port,
                    at: (address, port),
                }));
            }
        };
        for who in &ALL {
            add(who.name, who.name, End::Pod(who.namespace, who.name), self.address(who)?);
        }
        for host in &HOSTS {
            add(host.name, host.name, End::Address(host.address), host.address);
        }
        let node: Ipv4Addr = NODE_ADDRESS.parse()?;
        add("node", "node", End::Address(node), node);
        for exposed in &EXPOSED {
            let cluster = self.service_address(exposed)?;
            for (protocol, node_port) in PROTOCOLS.into_iter().zip(exposed.node_ports) {
                for (way, at) in [("nodeport", (node, node_port)), ("service", (cluster, exposed.port))] {
                    targets.push(Target {
                        column: format!("{way} {}", exposed.backend),
                        answers: exposed.backend,
                        end: End::Pod(exposed.namespace, exposed.backend),
                        protocol,
                        port: exposed.port,
                        at,
                    });
                }
            }
        }
        Ok(targets)
    }

    /// One round of packets from everywhere at once.
    pub fn matrix(&self) -> Result<Matrix> {
        let (reach, targets) = (self.reach()?, self.targets()?);
        let cells = thread::scope(|scope| {
            let (reach, targets) = (&reach, &targets);
            let asked: Vec<_> = Source::every()
                .into_iter()
                .map(|source| scope.spawn(move || self.from(source, targets, reach)))
                .collect();
            asked.into_iter().try_fold(Vec::new(), |mut cells, one| {
                let Ok(found) = one.join() else { bail!("a thread panicked") };
                cells.extend(found?);
                Ok(cells)
            })
        })?;
        Ok(Matrix { cells })
    }

    fn from(&self, source: Source, targets: &[Target], reach: &Reach) -> Result<Vec<Cell>> {
        let tried = |target: &&Target| {
            // Nobody talks to itself, and what goes from outside to outside is not the cluster's.
            let outward = matches!((source, target.end), (Source::Outside(_), End::Address(_)));
            target.answers != source.name() && !outward
        };
        let targets: Vec<&Target> = targets.iter().filter(tried).collect();
        let written = targets.iter().map(|target| target.written());
        let output = match source {
            Source::Pod(who) => self.in_pod(who, written)?,
            Source::Outside(host) => self.at(host)?.arg("probe").args(written).output()?,
        };
        let told = String::from_utf8_lossy(&output.stdout);
        let seen: BTreeMap<&str, &str> = told.lines().filter_map(|line| line.split_once(' ')).collect();
        targets
            .into_iter()
            .map(|target| {
                let seen = seen.get(target.written().as_str()).with_context(|| {
                    let error = String::from_utf8_lossy(&output.stderr);
                    format!("{} said nothing of {}: {told}{error}", source.name(), target.written())
                })?;
                let expected = reach.open(source.end(), target.end, target.protocol, target.port)?;
                Ok(Cell {
                    from: source.name(),
                    to: target.column.clone(),
                    answers: target.answers,
                    protocol: target.protocol,
                    port: target.port,
                    expected,
                    seen: (*seen).to_owned(),
                })
            })
            .collect()
    }

    fn in_pod(&self, who: &Who, targets: impl Iterator<Item = String>) -> Result<Output> {
        let mut kubectl = std::process::Command::new(self.plane.toolchain().path(Tool::Kubectl)?);
        kubectl.arg(format!("--kubeconfig={}", self.plane.kubeconfig(User::Admin).display()));
        kubectl.args(["exec", "-n", who.namespace, who.name, "--", "/snc-pod", "probe"]).args(targets);
        Ok(kubectl.output()?)
    }
}

impl Matrix {
    pub fn disagreeing(&self) -> Vec<&Cell> {
        self.cells.iter().filter(|cell| !cell.agrees()).collect()
    }

    pub fn open(&self) -> usize {
        self.cells.iter().filter(|cell| cell.open()).count()
    }

    pub fn expected_open(&self) -> usize {
        self.cells.iter().filter(|cell| cell.expected).count()
    }

    pub fn agrees(&self) -> Result<()> {
        let wrong = self.disagreeing();
        ensure!(
            wrong.is_empty(),
            "{} of {} cells disagree:\n{}",
            wrong.len(),
            self.cells.len(),
            list(&wrong)
        );
        Ok(())
    }

    /// Who from the left, whom at the top; each with its ports by TCP and UDP: o open, . closed, ! not as `reach` says.
    pub fn table(&self) -> String {
        let mut rows = BTreeMap::<usize, BTreeMap<&str, String>>::new();
        let mut names: Vec<&str> = Vec::new();
        let mut columns: Vec<&str> = Vec::new();
        for cell in &self.cells {
            let row = names.iter().position(|name| *name == cell.from).unwrap_or_else(|| {
                names.push(cell.from);
                names.len() - 1
            });
            if !columns.contains(&cell.to.as_str()) {
                columns.push(&cell.to);
            }
            let mark = if !cell.agrees() {
                '!'
            } else if cell.open() {
                'o'
            } else {
                '.'
            };
            rows.entry(row).or_default().entry(&cell.to).or_default().push(mark);
        }
        let mut text = format!("{:<12}", "");
        for column in &columns {
            let _ = write!(text, " {column:>width$}", width = column.len().max(6));
        }
        for (row, cells) in rows {
            let _ = write!(text, "\n{:<12}", names[row]);
            for column in &columns {
                let marks = cells.get(column).map_or("", String::as_str);
                let _ = write!(text, " {marks:>width$}", width = column.len().max(6));
            }
        }
        text
    }
}

pub fn list(cells: &[&Cell]) -> String {
    let line = |cell: &&Cell| {
        let said = if cell.expected { "open" } else { "closed" };
        format!(
            "  {} to {} {} {}: reach says {said}, seen: {}",
            cell.from, cell.to, cell.protocol, cell.port, cell.seen
        )
    };
    cells.iter().take(30).map(line).collect::<Vec<_>>().join("\n")
}
