//! A table in Markdown with aligned columns.

use std::fmt;

/// A table with a title.
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table without rows.
    pub fn new(title: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            rows: vec![columns.iter().map(|column| (*column).to_owned()).collect()],
        }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row.get(column).map_or(0, |cell| cell.chars().count()))
                .max()
        };
        writeln!(f, "{}\n", self.title)?;
        for (at, row) in self.rows.iter().enumerate() {
            let cells = row
                .iter()
                .enumerate()
                .map(|(column, cell)| format!("{cell:<0$}", width(column).unwrap_or_default()));
            writeln!(f, "| {} |", cells.collect::<Vec<_>>().join(" | "))?;
            if at == 0 {
                writeln!(f, "|{}", "---|".repeat(row.len()))?;
            }
        }
        Ok(())
    }
}
