//! Runs properties over the corpus that is checked in: what every ordinary test run does with it.
//!
//! Included by each crate's `fuzzing` module, which has the properties.

use std::path::Path;

/// Calls each property with every file of its folder. A folder without files proves nothing and fails.
pub(super) fn replay(properties: &[super::Property]) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, holds) in properties {
        let folder = corpus.join(name);
        let mut inputs: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|why| panic!("{}: {why}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{} is empty", folder.display());
        for path in inputs {
            // The harness shows this where the property fails.
            println!("{}", path.display());
            holds(&std::fs::read(&path).unwrap());
        }
    }
}
