//! Every input of the corpora is run: a defect that fuzzing found once does not come back.

use fuzz::TARGETS;
use fuzz::corpus::seeds;

#[test]
fn no_input_of_the_corpora_breaks_a_promise() {
    for target in TARGETS {
        let seeds = seeds(target.name);
        assert!(seeds.len() >= 3, "{} has no corpus", target.name);
        for seed in seeds {
            let run = std::panic::catch_unwind(|| (target.run)(&seed.input));
            assert!(run.is_ok(), "{}: {}", target.name, seed.path.display());
        }
    }
}

#[test]
fn every_folder_of_the_corpora_and_every_entry_point_of_cargo_fuzz_is_a_target() {
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &str| {
        let entries = std::fs::read_dir(own.join(folder)).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.to_string_lossy().trim_end_matches(".rs").to_owned())
            .collect();
        names.sort_unstable();
        names
    };
    let mut targets: Vec<_> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    targets.sort_unstable();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}
