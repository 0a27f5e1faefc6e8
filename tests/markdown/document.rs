//! A document in Markdown, as far as it matters here: its fenced blocks with their instructions,
//! and its text without them.

mod block;
mod instruction;
mod output;

pub use block::Block;
pub use instruction::{Instruction, Ready};

/// A document.
pub struct Document {
    /// Its path, from the repository's root.
    pub path: String,
    /// Its fenced blocks, in order.
    pub blocks: Vec<Block>,
    /// Its lines outside of blocks, with their numbers.
    pub prose: Vec<(usize, String)>,
}

impl Document {
    /// Reads a document.
    pub fn parse(path: &str, text: &str) -> Self {
        let mut document = Self {
            path: path.to_owned(),
            blocks: Vec::new(),
            prose: Vec::new(),
        };
        let mut instructions = Vec::new();
        let mut block: Option<Block> = None;
        for (line, text) in (1..).zip(text.lines()) {
            if let Some(open) = &mut block {
                if text.trim_end() == "```" {
                    document.blocks.extend(block.take());
                } else {
                    open.text.push_str(text);
                    open.text.push('\n');
                }
            } else if let Some(language) = text.strip_prefix("```") {
                let (language, instructions) = (
                    language.trim().to_owned(),
                    std::mem::take(&mut instructions),
                );
                block = Some(Block {
                    line: line + 1,
                    language,
                    text: String::new(),
                    instructions,
                });
            } else if let Some(comment) = text.strip_prefix("<!-- test: ") {
                let comment = comment.strip_suffix(" -->").unwrap_or(comment);
                instructions.extend(comment.split("; ").map(Instruction::parse));
            } else {
                document.prose.push((line, text.to_owned()));
            }
        }
        assert!(block.is_none(), "{path}: a block is not closed");
        assert!(
            instructions.is_empty(),
            "{path}: no block follows {instructions:?}"
        );
        document
    }

    /// What stands between back quotes, with the numbers of the lines.
    pub fn code_spans(&self) -> Vec<(usize, String)> {
        let spans = |text: &str| {
            text.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        self.prose
            .iter()
            .flat_map(|(line, text)| spans(text).into_iter().map(|span| (*line, span)))
            .collect()
    }

    /// The rows of the table whose first header cell is `first`: their cells.
    pub fn table(&self, first: &str) -> Vec<Vec<String>> {
        let cells = |text: &str| -> Vec<String> {
            let inner = text
                .trim()
                .trim_start_matches('|')
                .trim_end_matches('|')
                .replace("\\|", "\u{0}");
            inner
                .split('|')
                .map(|cell| cell.trim().replace('\u{0}', "|"))
                .collect()
        };
        let mut lines = self.prose.iter().map(|(_, text)| text).skip_while(|text| {
            !text.starts_with('|') || cells(text).first().is_none_or(|cell| cell != first)
        });
        assert!(
            lines.next().is_some(),
            "{}: there is no table whose first column is {first:?}",
            self.path
        );
        lines
            .skip(1)
            .take_while(|text| text.starts_with('|'))
            .map(|text| cells(text))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_line_language_and_instructions() {
        let text = "# T\n\n<!-- test: needs npm; server, ready when http://localhost:5173 answers -->\n```sh\nnpm run dev\n```\n`a`\n";
        let document = Document::parse("T.md", text);
        let block = &document.blocks[0];
        assert_eq!(
            (block.line, block.language.as_str(), block.text.as_str()),
            (5, "sh", "npm run dev\n")
        );
        let ready = Ready::Answers("http://localhost:5173".to_owned());
        assert_eq!(
            block.instructions,
            [
                Instruction::Needs("npm".to_owned()),
                Instruction::Server(ready)
            ]
        );
        assert_eq!(document.code_spans(), [(7, "a".to_owned())]);
    }
}
