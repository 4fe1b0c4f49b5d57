//! The way of a line from one node to another.

use super::layout::{GUTTER, PADDING, Point};

/// From the side of a node to where lines may turn; labels stand before that.
const STRAIGHT: i32 = 112;
/// Lines that turn in one gap are spread over this.
const SPREAD: i32 = 48;
const STEP: i32 = 6;
const RADIUS: i32 = 6;

#[derive(Clone, Copy)]
pub struct Port {
    pub at: Point,
    /// On which side of the node.
    pub right: bool,
    /// Whether the frame of a namespace is around it.
    pub framed: bool,
}

impl Port {
    /// Beyond the frame of the namespace.
    fn outside(self) -> i32 {
        match (self.framed, self.right) {
            (false, _) => self.at.x,
            (true, true) => self.at.x + GUTTER,
            (true, false) => self.at.x - PADDING,
        }
    }

    fn away(self, by: i32) -> i32 {
        if self.right { self.outside() + by } else { self.outside() - by }
    }
}

/// The path, and where its label stands. A lane has a number and a height.
pub fn route(start: Port, end: Port, same_column: bool, lane: Option<(i32, i32)>) -> (String, Point) {
    let (a, b) = (start.at, end.at);
    if same_column {
        // The farther apart, the wider the turn, as far as the gutter goes.
        let turn = a.x + (30 + (b.y - a.y).abs() / 6).min(GUTTER - 4);
        let path = format!("M{} {}C{turn} {} {turn} {} {} {}", a.x, a.y, a.y, b.y, b.x, b.y);
        return (path, Point { x: a.x + (turn - a.x) * 3 / 4, y: i32::midpoint(a.y, b.y) });
    }
    let label = Point { x: i32::midpoint(start.outside(), start.away(STRAIGHT - 8)), y: a.y };
    let Some((number, height)) = lane else {
        let turn = start.away(STRAIGHT - 8);
        let middle = i32::midpoint(turn, b.x);
        let path = format!("M{} {}H{turn}C{middle} {} {middle} {} {} {}", a.x, a.y, a.y, b.y, b.x, b.y);
        return (path, label);
    };
    let offset = (number * STEP) % SPREAD;
    let (down, up) = (start.away(STRAIGHT + offset), end.away(8 + offset / 2));
    let path = corners(&[
        a,
        Point { x: down, y: a.y },
        Point { x: down, y: height },
        Point { x: up, y: height },
        Point { x: up, y: b.y },
        b,
    ]);
    (path, label)
}

/// Straight from point to point, with rounded corners.
fn corners(points: &[Point]) -> String {
    let toward = |from: Point, to: Point| {
        let step = |from: i32, to: i32| (to - from).signum() * RADIUS.min((to - from).abs() / 2);
        Point { x: from.x + step(from.x, to.x), y: from.y + step(from.y, to.y) }
    };
    let mut path = points.first().map(|first| format!("M{} {}", first.x, first.y)).unwrap_or_default();
    for corner in points.windows(3) {
        let [before, at, after] = [corner[0], corner[1], corner[2]];
        let (enter, leave) = (toward(at, before), toward(at, after));
        path.push_str(
            &format_args!("L{} {}Q{} {} {} {}", enter.x, enter.y, at.x, at.y, leave.x, leave.y).to_string(),
        );
    }
    if let Some(last) = points.last() {
        path.push_str(&format_args!("L{} {}", last.x, last.y).to_string());
    }
    path
}
