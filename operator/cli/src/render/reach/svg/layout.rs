//! Where everything is drawn. Namespaces are columns, those that call before those that are called; who reaches in
//! from outside is on the left, what is reached outside on the right. Lines that pass more than one column run below
//! all of them, so that no line crosses a box that it has nothing to do with.

use super::route::{Port, route};
use crate::model::reach::{End, ReachReport};
use snc_network::reach::PortSet;
use std::collections::{BTreeMap, BTreeSet};

pub const NODE_HEIGHT: i32 = 42;
const NODE_WIDTH: i32 = 170;
const NODE_GAP: i32 = 30;
const MARGIN: i32 = 24;
const HEAD: i32 = 64;
pub const PADDING: i32 = 16;
const TITLE: i32 = 36;
/// Between columns: labels first, then the places where lines turn.
const COLUMN_GAP: i32 = 180;
/// Beside the workloads of a namespace, where lines within it turn back.
pub const GUTTER: i32 = 70;
/// From one line to the next on the side of a node; a label fits in between.
const PITCH: i32 = 15;
pub const LANE: i32 = 9;

#[derive(Clone, Copy)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

#[derive(Clone, Copy)]
pub struct Box {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

pub struct Line<'a> {
    pub from: &'a End,
    pub to: &'a End,
    pub ports: &'a PortSet,
    pub both_ways: bool,
    pub class: &'static str,
    pub path: String,
    pub label: Point,
}

pub struct Node<'a> {
    pub end: &'a End,
    pub frame: Box,
    column: usize,
    /// Lines on its left and right side.
    sides: [i32; 2],
}

pub struct Layout<'a> {
    pub width: i32,
    pub height: i32,
    pub namespaces: Vec<(&'a str, Box)>,
    pub nodes: Vec<Node<'a>>,
    pub lines: Vec<Line<'a>>,
}

/// A line before it is drawn, between two nodes.
struct Draft<'a> {
    from: usize,
    to: usize,
    ports: &'a PortSet,
    both_ways: bool,
}

struct Column<'a> {
    namespace: Option<&'a str>,
    ends: Vec<&'a End>,
}

impl<'a> Layout<'a> {
    pub fn of(report: &'a ReachReport, workloads: &'a [End]) -> Self {
        let columns = columns(report, workloads);
        let mut nodes: Vec<Node<'a>> = Vec::new();
        // An address may stand on both sides of the picture.
        let mut places: BTreeMap<(&End, bool), usize> = BTreeMap::new();
        let last = columns.len().saturating_sub(1);
        for (index, column) in columns.iter().enumerate() {
            for end in &column.ends {
                let called = column.namespace.is_none() && index == last && index > 0;
                places.insert((end, called), nodes.len());
                let frame = Box { x: 0, y: 0, width: NODE_WIDTH, height: NODE_HEIGHT };
                nodes.push(Node { end, frame, column: index, sides: [0, 0] });
            }
        }
        let drafts = drafts(report, &places);
        for draft in &drafts {
            let (leaves, enters) = sides(&nodes, draft);
            nodes[draft.from].sides[usize::from(leaves)] += 1;
            nodes[draft.to].sides[usize::from(enters)] += 1;
        }
        let mut layout = Self { width: 0, height: 0, namespaces: Vec::new(), nodes, lines: Vec::new() };
        layout.place(&columns);
        layout.connect(&drafts);
        layout
    }

    fn place(&mut self, columns: &[Column<'a>]) {
        let mut x = MARGIN;
        for (index, column) in columns.iter().enumerate() {
            let inset = if column.namespace.is_some() { PADDING } else { 0 };
            let mut y = HEAD + TITLE;
            for node in self.nodes.iter_mut().filter(|node| node.column == index) {
                let lines = node.sides[0].max(node.sides[1]);
                let height = NODE_HEIGHT.max((lines + 1) * PITCH);
                node.frame = Box { x: x + inset, y, width: NODE_WIDTH, height };
                y += height + NODE_GAP;
            }
            let mut width = NODE_WIDTH;
            if let Some(namespace) = column.namespace {
                width = PADDING + NODE_WIDTH + GUTTER;
                let height = y - NODE_GAP + PADDING - HEAD;
                self.namespaces.push((namespace, Box { x, y: HEAD, width, height }));
            }
            x += width + COLUMN_GAP;
        }
        self.width = (x - COLUMN_GAP + MARGIN).max(560);
        let bottom = |node: &Node<'_>| node.frame.y + node.frame.height;
        self.height = self.nodes.iter().map(bottom).max().unwrap_or(HEAD) + PADDING + MARGIN;
    }

    fn connect(&mut self, drafts: &[Draft<'a>]) {
        let ports = ports(&self.nodes, drafts);
        let below = self.height;
        // One lane for each node that far lines go to.
        let mut lanes: BTreeMap<usize, i32> = BTreeMap::new();
        for (draft, (start, end)) in drafts.iter().zip(ports) {
            let (from, to) = (&self.nodes[draft.from], &self.nodes[draft.to]);
            let far = from.column.abs_diff(to.column) > 1;
            let lane = far.then(|| {
                let next = i32::try_from(lanes.len()).unwrap_or_default();
                let lane = *lanes.entry(draft.to).or_insert(next);
                (lane, below + lane * LANE)
            });
            let class = match (from.end.namespace(), to.end.namespace()) {
                (Some(a), Some(b)) if a == b => "within",
                (Some(_), Some(_)) => "across",
                _ => "outside",
            };
            let (path, label) = route(start, end, from.column == to.column, lane);
            let (from, to) = (from.end, to.end);
            let Draft { ports, both_ways, .. } = *draft;
            self.lines.push(Line { from, to, ports, both_ways, class, path, label });
        }
        if !lanes.is_empty() {
            self.height += i32::try_from(lanes.len()).unwrap_or_default() * LANE + MARGIN;
        }
    }
}

/// Addresses that call, namespaces, addresses that are called.
fn columns<'a>(report: &'a ReachReport, workloads: &'a [End]) -> Vec<Column<'a>> {
    let mut by_namespace: BTreeMap<&str, Vec<&End>> = BTreeMap::new();
    for end in workloads {
        by_namespace.entry(end.namespace().unwrap_or_default()).or_default().push(end);
    }
    let mut calls: BTreeSet<(&str, &str)> = BTreeSet::new();
    for connection in &report.connections {
        calls.extend(connection.from.namespace().zip(connection.to.namespace()).filter(|(a, b)| a != b));
    }
    let namespaces = callers_first(by_namespace, &calls);
    let outside = |ends: &mut dyn Iterator<Item = &'a End>| {
        let mut ends: Vec<&End> = ends.filter(|end| end.namespace().is_none()).collect();
        ends.sort_unstable();
        ends.dedup();
        Column { namespace: None, ends }
    };
    let callers = outside(&mut report.connections.iter().map(|c| &c.from));
    let reached = outside(&mut report.connections.iter().map(|c| &c.to));
    let inside = namespaces.into_iter().map(|(name, ends)| Column { namespace: Some(name), ends });
    let all = std::iter::once(callers).chain(inside).chain([reached]);
    all.filter(|column| !column.ends.is_empty()).collect()
}

/// At each step the one that the fewest of the others call, and that calls most of them. Who calls each other does not
/// count.
fn callers_first<'a, T>(mut rest: BTreeMap<&'a str, T>, calls: &BTreeSet<(&str, &str)>) -> Vec<(&'a str, T)> {
    let one_way: Vec<&(&str, &str)> = calls.iter().filter(|(a, b)| !calls.contains(&(*b, *a))).collect();
    let mut sorted = Vec::new();
    loop {
        let count =
            |wanted: &dyn Fn(&(&str, &str)) -> bool| one_way.iter().filter(|call| wanted(call)).count();
        let rank = |name: &&str| {
            let callers = count(&|(a, b)| b == name && rest.contains_key(a));
            let called = count(&|(a, b)| a == name && rest.contains_key(b));
            (callers, std::cmp::Reverse(called))
        };
        let Some(first) = rest.keys().copied().min_by_key(rank) else { return sorted };
        sorted.extend(rest.remove_entry(first));
    }
}

fn drafts<'a>(report: &'a ReachReport, places: &BTreeMap<(&End, bool), usize>) -> Vec<Draft<'a>> {
    let open: BTreeMap<(&End, &End), &PortSet> =
        report.connections.iter().map(|c| ((&c.from, &c.to), &c.ports)).collect();
    let mut drafts = Vec::new();
    for c in &report.connections {
        let within = c.from.namespace().is_some() && c.to.namespace().is_some();
        let both_ways = within && open.get(&(&c.to, &c.from)).is_some_and(|back| **back == c.ports);
        if both_ways && c.to < c.from {
            continue;
        }
        let called = c.to.namespace().is_none();
        if let (Some(from), Some(to)) = (places.get(&(&c.from, false)), places.get(&(&c.to, called))) {
            drafts.push(Draft { from: *from, to: *to, ports: &c.ports, both_ways });
        }
    }
    drafts
}

/// Whether a line leaves and enters on the right. Within a column it comes back on the side on which it left.
fn sides(nodes: &[Node<'_>], draft: &Draft<'_>) -> (bool, bool) {
    let (from, to) = (nodes[draft.from].column, nodes[draft.to].column);
    (from <= to, to <= from)
}

/// The node on the other end, the line, and whether it starts here.
type Touch = (usize, usize, bool);

/// Where each line starts and ends. On a side, lines are in the order of what is on their other end.
fn ports(nodes: &[Node<'_>], drafts: &[Draft<'_>]) -> Vec<(Port, Port)> {
    let mut on_side: BTreeMap<(usize, bool), Vec<Touch>> = BTreeMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        let (leaves, enters) = sides(nodes, draft);
        on_side.entry((draft.from, leaves)).or_default().push((draft.to, index, true));
        on_side.entry((draft.to, enters)).or_default().push((draft.from, index, false));
    }
    let nowhere = Port { at: Point { x: 0, y: 0 }, right: false, framed: false };
    let mut ports = vec![(nowhere, nowhere); drafts.len()];
    for ((node, right), mut lines) in on_side {
        lines.sort_unstable();
        let frame = nodes[node].frame;
        let step = frame.height / (i32::try_from(lines.len()).unwrap_or(i32::MAX - 1) + 1);
        let mut y = frame.y;
        for (_, index, starts) in lines {
            y += step;
            let at = Point { x: if right { frame.x + frame.width } else { frame.x }, y };
            let port = Port { at, right, framed: nodes[node].end.namespace().is_some() };
            if starts {
                ports[index].0 = port;
            } else {
                ports[index].1 = port;
            }
        }
    }
    ports
}
