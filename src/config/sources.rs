//! Where a configuration comes from, and what was found there: read once per load.

use std::path::{Path, PathBuf};

use super::BUILT_IN;
use super::document::Document;
use super::variables::{self, Layer};
use crate::environment::Environment;
use crate::problem::{Problem, Problems};
use crate::secret::Digest;

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file. None: [`Sources::DEFAULT`] if it is there, else the built-in document.
    pub file: Option<PathBuf>,
    /// Variables in a file, where it is there. The process's own win over them.
    pub dotenv: PathBuf,
    /// The process's variables.
    pub process: Environment,
    /// Settings by dotted path and TOML value: from the command line, over everything.
    pub overrides: Vec<(String, String)>,
}

/// What was found.
pub(super) struct Gathered {
    pub document: Document,
    pub environment: Environment,
    /// Values from variables and the command line, the strongest last.
    pub layers: Vec<Layer>,
}

impl Sources {
    /// The file that is read when none is named.
    pub const DEFAULT: &str = "config/config.toml";

    /// The file that is, or would be, read.
    pub fn path(&self) -> &Path {
        self.file.as_deref().unwrap_or(Path::new(Self::DEFAULT))
    }

    pub(super) fn gather(&self, problems: &mut Problems) -> Result<Gathered, Problems> {
        let document = match std::fs::read_to_string(self.path()) {
            Ok(text) => Document::parse(Some(self.path().to_owned()), text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.file.is_none() => {
                Document::parse(None, BUILT_IN.to_owned())
            }
            Err(error) => Err(Problem::error(format!("cannot be read: {error}")).in_file(self.path(), None).into()),
        };
        let environment = self.environment(problems);
        let mut layers = variables::layers(&environment, problems);
        layers.extend(self.overrides.iter().map(|(path, value)| Layer::flag(path, value)));
        match document {
            Ok(document) => Ok(Gathered { document, environment, layers }),
            Err(mut wrong) => {
                wrong.extend(std::mem::take(problems));
                Err(wrong)
            }
        }
    }

    /// The variables of `.env` under those of the process.
    fn environment(&self, problems: &mut Problems) -> Environment {
        let mut pairs = Vec::new();
        match dotenvy::from_path_iter(&self.dotenv) {
            Ok(lines) => {
                for line in lines {
                    match line {
                        Ok(pair) => pairs.push(pair),
                        // The text of the error would show the line, and with it perhaps a secret.
                        Err(_) => problems.push(
                            Problem::error("has a line that is no `NAME=value`")
                                .in_file(&self.dotenv, None)
                                .hint("put values with spaces or `#` in quotes"),
                        ),
                    }
                }
            }
            Err(error) if error.not_found() => {}
            Err(_) => problems.push(Problem::error("cannot be read").in_file(&self.dotenv, None)),
        }
        pairs.extend(self.process.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        Environment::from_pairs(pairs)
    }
}

impl Gathered {
    /// Of the document, of what overrides it, and of every variable it may refer to.
    pub fn hash(&self) -> String {
        let mut text = self.document.text.clone();
        for layer in &self.layers {
            text.push_str(&format!("\n{layer:?}"));
        }
        for (name, value) in self.environment.iter() {
            if variables::is_ours(name) || text.contains(&format!("env:{name}")) {
                text.push_str(&format!("\n{name}={value}"));
            }
        }
        Digest::of(&text).hex(6)
    }
}
