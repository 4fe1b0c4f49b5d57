//! How the demo writes: headings, wrapped notes, commands and answers.

use super::lang::Lang;
use std::{
    fmt::Arguments,
    io::{Write, stdout},
    iter::{once, repeat},
    time::Instant,
};

const WIDTH: usize = 100;

pub(super) fn write(text: Arguments<'_>) {
    let _ = stdout().write_fmt(text);
}

pub(super) fn heading(text: &str) {
    outln!("\n{text}\n{}", "─".repeat(text.chars().count()));
}

pub(super) fn note(text: &str) {
    out!("{}", wrapped(text, "", ""));
}

/// A label and what belongs to it, the label padded so that several line up.
pub(super) fn labelled(label: &str, text: &str) {
    let first = format!("   {label:9} ");
    let rest = " ".repeat(first.chars().count());
    out!("{}", wrapped(text, &first, &rest));
}

pub(super) fn command(text: &str) {
    outln!("   $ {text}");
}

/// What a command answered, as it is.
pub(super) fn verbatim(text: &str) {
    for line in text.trim_end().lines() {
        outln!("   {line}");
    }
}

/// Something that takes a while: said before, and how long it took after.
pub(super) fn timed<T, E>(lang: Lang, what: &str, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    outln!("   … {what}");
    let started = Instant::now();
    let result = work()?;
    outln!("     {}", lang.seconds(started.elapsed()));
    Ok(result)
}

pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn wrapped(text: &str, first: &str, rest: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let needed = line.chars().count() + 1 + word.chars().count();
            if !line.is_empty() && first.chars().count() + needed > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    let prefixes = once(first).chain(repeat(rest));
    prefixes.zip(&lines).flat_map(|(prefix, line)| [prefix, line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_wrap_under_their_label() {
        let text = "word ".repeat(30);
        let wrapped = wrapped(&text, "label  ", "       ");
        let lines: Vec<&str> = wrapped.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("label  word") && lines[1].starts_with("       word"));
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn columns_line_up_whatever_the_accents() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        assert_eq!(columns(&[row("é", "x"), row("abc", "y")]), "é    x\nabc  y\n");
    }
}
