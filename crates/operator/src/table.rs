//! Tables for people: columns as wide as what stands in them.

use std::io::{self, Write};

use cream_processor::OneLine;

/// A table with a line of headings.
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned)] }
    }

    /// Adds a line. Whatever a cell holds, it stays within its line.
    pub(crate) fn add(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| OneLine(&cell).to_string()));
    }

    /// Writes the table. Columns of whole numbers stand to the right.
    pub(crate) fn write(&self, indent: &str, out: &mut dyn Write) -> io::Result<()> {
        let columns: Vec<(usize, bool)> = (0..N).map(|column| self.column(column)).collect();
        for row in &self.rows {
            let cells = row.iter().zip(&columns).map(|(cell, (width, is_number))| {
                if *is_number { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            writeln!(out, "{indent}{}", line.trim_end())?;
        }
        Ok(())
    }

    /// How wide a column is, and whether it holds whole numbers alone.
    fn column(&self, column: usize) -> (usize, bool) {
        let cells = || self.rows.iter().filter_map(|row| row.get(column));
        let width = cells().map(|cell| cell.chars().count()).max().unwrap_or(0);
        let is_number =
            |cell: &String| !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
        (width, self.rows.len() > 1 && cells().skip(1).all(is_number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<const N: usize>(table: &Table<N>) -> String {
        let mut out = Vec::new();
        table.write(" ", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_numbers_stand_to_the_right() {
        let mut table = Table::new(["name", "count", "why"]);
        assert_eq!(written(&table), " name  count  why\n");
        table.add(["Müller".into(), "7".into(), "a\nb".into()]);
        table.add(["x".into(), "12".into(), String::new()]);
        assert_eq!(written(&table), " name    count  why\n Müller      7  a\\nb\n x          12\n");
    }
}
