//! Plain columns, as kubectl prints them.

use super::clean;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Columns up to this are never wrapped; wider ones shrink no further, since the terminal may wrap the rest.
const NARROWEST: u16 = 12;
const PADDING: u16 = 2;

pub fn columns(heads: &[&str], rows: &[Vec<String>], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(heads.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| clean::line(cell)));
    }
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    } else {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    let widest = table.column_max_content_widths();
    for ((column, widest), head) in table.column_iter_mut().zip(widest).zip(heads) {
        column.set_padding((0, PADDING));
        // A bound counts the padding; no head is ever broken.
        let head = u16::try_from(head.chars().count()).unwrap_or(NARROWEST);
        let least = head.max(NARROWEST) + PADDING;
        column.set_constraint(if widest <= NARROWEST {
            ColumnConstraint::ContentWidth
        } else {
            ColumnConstraint::LowerBoundary(Width::Fixed(least))
        });
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&str]) -> Vec<Vec<String>> {
        vec![cells.iter().map(|c| (*c).to_owned()).collect()]
    }

    #[test]
    fn wide_characters_keep_columns_straight() {
        let two = [rows(&["日本", "x"]).remove(0), rows(&["abcdef", "y"]).remove(0)];
        assert_eq!(columns(&["A", "B"], &two, None), "A       B\n日本    x\nabcdef  y\n");
    }

    #[test]
    fn lines_are_whole_unless_a_terminal_says_otherwise() {
        let long = rows(&["short", &"word ".repeat(60)]);
        assert_eq!(columns(&["A", "B"], &long, None).lines().count(), 2);
        let narrow = columns(&["A", "B"], &long, Some(40));
        assert!(narrow.lines().count() > 5 && narrow.lines().all(|l| l.len() <= 40), "{narrow}");
        assert!(
            columns(&["A", "COMPENSATING MEASURE"], &long, Some(30))
                .starts_with("A      COMPENSATING MEASURE\n")
        );
        assert!(columns(&["A", "B", "C"], &rows(&["x", "y", "z"]), Some(1)).contains('z'));
    }

    #[test]
    fn cells_cannot_act_on_the_terminal() {
        let text = columns(&["A"], &rows(&["\u{1b}[2Jx\ny"]), None);
        assert_eq!(text, "A\n\\u{1b}[2Jx y\n");
    }
}
