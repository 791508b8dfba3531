//! Which nodes a command works on: `--select` and `--exclude`.

use globset::{Glob, GlobSet, GlobSetBuilder};

/// Patterns on node names. Without `select`, all nodes are selected.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    select: Option<Patterns>,
    exclude: Option<Patterns>,
}

#[derive(Clone, Debug)]
struct Patterns {
    texts: Vec<String>,
    globs: GlobSet,
}

/// Why a selection is not usable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SelectionError {
    /// A pattern is not a glob.
    #[error("`{pattern}` is not a valid pattern: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pattern or name matches nothing.
    #[error(
        "`{pattern}` matches no BatchNormalization, nor another node that this works on; `bn-tool inspect` lists their names"
    )]
    Unmatched {
        /// The pattern.
        pattern: String,
    },
}

impl Selection {
    /// A selection by globs (`*`, `?`, `[…]`, `{a,b}`); `*` also matches `/`.
    ///
    /// # Errors
    /// When a pattern is not a glob.
    pub fn new(select: &[String], exclude: &[String]) -> Result<Selection, SelectionError> {
        Ok(Selection { select: Patterns::new(select)?, exclude: Patterns::new(exclude)? })
    }

    /// Whether a node of this name is selected.
    pub fn contains(&self, name: &str) -> bool {
        let matches = |patterns: &Patterns| patterns.globs.is_match(name);
        self.select.as_ref().is_none_or(matches) && !self.exclude.as_ref().is_some_and(matches)
    }

    /// Whether every node is selected.
    pub fn is_everything(&self) -> bool {
        self.select.is_none() && self.exclude.is_none()
    }

    /// Checks that each pattern matches one of these names.
    ///
    /// # Errors
    /// The first pattern that matches none.
    pub fn check_all_match(&self, names: impl Iterator<Item = impl AsRef<str>> + Clone) -> Result<(), SelectionError> {
        for patterns in [&self.select, &self.exclude].into_iter().flatten() {
            let mut matched = vec![false; patterns.texts.len()];
            for name in names.clone() {
                patterns.globs.matches(name.as_ref()).into_iter().for_each(|index| matched[index] = true);
            }
            if let Some(index) = matched.iter().position(|matched| !matched) {
                return Err(SelectionError::Unmatched { pattern: patterns.texts[index].clone() });
            }
        }
        Ok(())
    }
}

impl Patterns {
    fn new(texts: &[String]) -> Result<Option<Patterns>, SelectionError> {
        if texts.is_empty() {
            return Ok(None);
        }
        let mut globs = GlobSetBuilder::new();
        for text in texts {
            globs.add(glob(text)?);
        }
        let globs = globs.build().map_err(|error| invalid(&texts.join(","), &error))?;
        Ok(Some(Patterns { texts: texts.to_vec(), globs }))
    }
}

fn glob(text: &str) -> Result<Glob, SelectionError> {
    Glob::new(text).map_err(|error| invalid(text, &error))
}

fn invalid(pattern: &str, error: &globset::Error) -> SelectionError {
    SelectionError::Pattern { pattern: pattern.into(), reason: error.kind().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(select: &[&str], exclude: &[&str]) -> Selection {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        Selection::new(&owned(select), &owned(exclude)).unwrap()
    }

    #[test]
    fn a_star_crosses_slashes() {
        let selection = selection(&["/layer1/*"], &["*bn2*"]);
        assert!(selection.contains("/layer1/0/bn1/BatchNormalization"));
        assert!(!selection.contains("/layer1/0/bn2/BatchNormalization"));
        assert!(!selection.contains("/layer2/0/bn1/BatchNormalization"));
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_an_error() {
        let names = ["bn1", "bn2"];
        assert!(selection(&["bn1"], &["bn?"]).check_all_match(names.into_iter()).is_ok());
        let error = selection(&["bn3"], &[]).check_all_match(names.into_iter()).unwrap_err();
        assert_eq!(error, SelectionError::Unmatched { pattern: "bn3".into() });
        assert!(Selection::new(&["[".into()], &[]).is_err());
    }
}
