//! Where everything is drawn. Namespaces are columns in the order of their names; who reaches in from outside is on
//! the left, what is reached outside on the right.

use crate::model::reach::{End, ReachReport, WorkloadName};
use snc_network::reach::PortSet;
use std::collections::{BTreeMap, BTreeSet};

pub const NODE_HEIGHT: i32 = 42;
const NODE_WIDTH: i32 = 170;
const NODE_GAP: i32 = 34;
const MARGIN: i32 = 24;
const HEAD: i32 = 64;
const PADDING: i32 = 16;
const TITLE: i32 = 36;
/// Between columns, where lines that cross are told apart.
const COLUMN_GAP: i32 = 130;
/// Beside the workloads of a namespace, where lines within it turn back.
const GUTTER: i32 = 70;

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

impl Box {
    fn at(self, share: i32, of: i32, right: bool) -> Point {
        // Ends are spread over the middle of the side, so that arrows do not all meet in one point.
        let y = self.y + 8 + (self.height - 16) * (share + 1) / (of + 1);
        Point { x: if right { self.x + self.width } else { self.x }, y }
    }
}

pub struct Line<'a> {
    pub from: &'a End,
    pub to: &'a End,
    pub ports: PortSet,
    pub both_ways: bool,
    pub class: &'static str,
    pub path: String,
    pub label: Point,
}

pub struct Layout<'a> {
    pub width: i32,
    pub height: i32,
    pub namespaces: Vec<(&'a str, Box)>,
    pub nodes: Vec<(End, Box)>,
    pub lines: Vec<Line<'a>>,
}

/// Which end of the picture an address is drawn on.
type Key<'a> = (&'a End, bool);

impl<'a> Layout<'a> {
    pub fn of(report: &'a ReachReport) -> Self {
        let mut by_namespace: BTreeMap<&str, Vec<&WorkloadName>> = BTreeMap::new();
        for workload in &report.workloads {
            by_namespace.entry(&workload.namespace).or_default().push(workload);
        }
        let outside = |end: &&End| matches!(end, End::Addresses { .. });
        let callers: BTreeSet<&End> = report.connections.iter().map(|c| &c.from).filter(outside).collect();
        let called: BTreeSet<&End> = report.connections.iter().map(|c| &c.to).filter(outside).collect();

        let mut layout =
            Self { width: 0, height: 0, namespaces: Vec::new(), nodes: Vec::new(), lines: Vec::new() };
        let mut x = MARGIN;
        if !callers.is_empty() {
            layout.column(x, callers.into_iter().cloned());
            x += NODE_WIDTH + COLUMN_GAP;
        }
        let split = layout.nodes.len();
        for (namespace, mut workloads) in by_namespace {
            workloads.sort();
            let rows = i32::try_from(workloads.len()).unwrap_or(i32::MAX);
            let height = TITLE + rows * (NODE_HEIGHT + NODE_GAP) - NODE_GAP + PADDING;
            let width = NODE_WIDTH + GUTTER + PADDING;
            layout.namespaces.push((namespace, Box { x, y: HEAD, width, height }));
            layout.column(x + PADDING, workloads.into_iter().cloned().map(End::Workload));
            x += width + COLUMN_GAP;
        }
        let end_of_workloads = layout.nodes.len();
        if called.is_empty() {
            x -= COLUMN_GAP;
        } else {
            layout.column(x, called.into_iter().cloned());
            x += NODE_WIDTH;
        }
        layout.width = (x + MARGIN).max(480);
        let bottom = |(_, frame): &(End, Box)| frame.y + frame.height;
        layout.height = layout.nodes.iter().map(bottom).max().unwrap_or(HEAD) + PADDING + MARGIN;
        layout.connect(report, split, end_of_workloads);
        layout
    }

    fn column(&mut self, x: i32, ends: impl Iterator<Item = End>) {
        let mut y = HEAD + TITLE;
        for end in ends {
            self.nodes.push((end, Box { x, y, width: NODE_WIDTH, height: NODE_HEIGHT }));
            y += NODE_HEIGHT + NODE_GAP;
        }
    }

    fn connect(&mut self, report: &'a ReachReport, split: usize, end_of_workloads: usize) {
        let mut places: BTreeMap<Key<'_>, Box> = BTreeMap::new();
        for (index, (end, frame)) in self.nodes.iter().enumerate() {
            places.insert((end, index >= split && index >= end_of_workloads), *frame);
        }
        let open: BTreeMap<(&End, &End), &PortSet> =
            report.connections.iter().map(|c| ((&c.from, &c.to), &c.ports)).collect();
        let mut lines: Vec<(&End, &End, &PortSet, bool, Box, Box)> = Vec::new();
        for (&(from, to), &ports) in &open {
            let both = open.get(&(to, from)).is_some_and(|back| *back == ports);
            if both && to < from {
                continue;
            }
            let called = matches!(to, End::Addresses { .. });
            if let (Some(a), Some(b)) = (places.get(&(from, false)), places.get(&(to, called))) {
                lines.push((from, to, ports, both, *a, *b));
            }
        }
        // How many lines meet on each side of each node, and which of them this one is.
        let mut total: BTreeMap<(i32, i32, bool), i32> = BTreeMap::new();
        for (.., a, b) in &lines {
            *total.entry((a.x, a.y, leaves_right(*a, *b))).or_default() += 1;
            *total.entry((b.x, b.y, enters_right(*a, *b))).or_default() += 1;
        }
        let mut used: BTreeMap<(i32, i32, bool), i32> = BTreeMap::new();
        let mut port = |frame: Box, right: bool| {
            let key = (frame.x, frame.y, right);
            let index = used.entry(key).or_default();
            *index += 1;
            frame.at(*index - 1, total.get(&key).copied().unwrap_or(1), right)
        };
        for (index, (from, to, ports, both_ways, a, b)) in lines.into_iter().enumerate() {
            let start = port(a, leaves_right(a, b));
            let end = port(b, enters_right(a, b));
            let class = match (from.namespace(), to.namespace()) {
                (Some(x), Some(y)) if x == y => "within",
                (Some(_), Some(_)) => "across",
                _ => "outside",
            };
            let (path, label) = curve(start, end, a.x == b.x, index);
            self.lines.push(Line { from, to, ports: ports.clone(), both_ways, class, path, label });
        }
    }
}

fn leaves_right(a: Box, b: Box) -> bool {
    a.x <= b.x
}

/// Within a column a line comes back on the side on which it left.
fn enters_right(a: Box, b: Box) -> bool {
    b.x <= a.x
}

fn curve(start: Point, end: Point, same_column: bool, index: usize) -> (String, Point) {
    let (Point { x: x1, y: y1 }, Point { x: x2, y: y2 }) = (start, end);
    if same_column {
        // The farther apart, the wider the turn, as far as the gutter goes.
        let bulge = (24 + (y2 - y1).abs() / 5).min(GUTTER - 6);
        let path = format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + bulge, x2 + bulge);
        return (path, Point { x: x1 + bulge * 3 / 4, y: i32::midpoint(y1, y2) + 4 });
    }
    let reach = ((x2 - x1).abs() / 2).clamp(40, 160);
    let pull = if x2 > x1 { reach } else { -reach };
    let path = format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + pull, x2 - pull);
    // Labels of neighbouring lines are kept apart along their lines.
    let share = [3, 4, 5][index % 3];
    let t = f64::from(share) / 8.0;
    let [weight_1, weight_2, weight_3, weight_4] =
        [(1.0 - t).powi(3), 3.0 * (1.0 - t).powi(2) * t, 3.0 * (1.0 - t) * t * t, t.powi(3)];
    let at = |points: [i32; 4]| {
        let [first, second, third, last] = points.map(f64::from);
        let value = weight_1 * first + weight_2 * second + weight_3 * third + weight_4 * last;
        #[expect(clippy::cast_possible_truncation, reason = "pixels")]
        let value = value as i32;
        value
    };
    (path, Point { x: at([x1, x1 + pull, x2 - pull, x2]), y: at([y1, y1, y2, y2]) - 4 })
}
