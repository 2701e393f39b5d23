//! The behaviour oracle: scenarios that were recorded from Kopf, played with an operator of kopfrs.
//!
//! `tests/oracle/scenarios` are the recordings, unchanged; each scenario has a cluster of its own as
//! `kopfrs::testing` gives it, by default one in which time passes at once. Where the recording shows a
//! defect of Kopf, or where kopfrs is better on purpose, `tests/oracle/improved/<name>.json` says what is
//! expected instead, and why. `tests/oracle/promised` are scenarios of our own in the same form: what
//! kopfrs promises beyond what was recorded.
//!
//! An operator that is killed is one that is dropped: nothing of it goes on, nothing more is written. What
//! signals do to a process is tested with the examples.
//!
//! `ORACLE_STORAGE=kopf|annotations|status` plays everything with another storage than the one the
//! framework chooses.
//!
//! Operators of cluster-scoped kinds see what other runs make: on an existing cluster, one run at a
//! time.

mod background;
mod calls;
mod diff;
mod expectation;
mod journal;
mod judge;
mod object;
mod operator;
mod place;
mod player;
mod running;
mod scenario;
mod self_test;
mod steps;
mod timing;
mod value;
mod webhooks;

use kopfrs::testing::Cluster;

use self::scenario::Scenario;

/// Plays a scenario, and compares what has happened with what is expected.
async fn play(test: &str, cluster: Cluster) {
    let name = test.replace('_', "-");
    let scenario = Scenario::load(&name);
    if !scenario.is_of_interest() {
        return;
    }
    let played = player::play(&cluster, &scenario).await;
    if let Err(report) = judge::judge(&played) {
        panic!("{name}: {}\n\n{report}\n", scenario.description());
    }
}

macro_rules! scenarios {
    ($module:ident: $($name:ident)*) => {
        mod $module {
            pub(super) const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[kopfrs::test]
            async fn $name(cluster: kopfrs::testing::Cluster) {
                super::play(stringify!($name), cluster).await;
            }
        )*}
    };
}

scenarios! {
    promised:
    changed_during_deletion
    daemon_deselected
    daemon_failing
    daemon_stages
    daemon_stubborn
    daemon_toggled_while_stopping
    deletion_retried_after_restart
    deselected_during_retry
    finalizer_removed
    handler_removed_during_retry
    index_errors
    index_errors_raised
    index_follows
    index_moves
    killed_after_checkpoint
    recreated_during_handler
    storage_changed
    sub_nested
    sub_parent_fails
    sub_parent_fails_later
    sub_parent_retried
    sub_retries
    timer_combined
    timer_idle_only
    timer_idle_retried
    timer_overrun
    timer_retried
    updated_back_during_retry
}

scenarios! {
    scenarios:
    admission_life
    adopt_existing
    adopt_foreign_state
    basic_delete_before_handling
    basic_delete_slow
    basic_events
    basic_foreign_finalizer
    basic_last_handled_removed
    basic_life
    basic_no_finalizer
    basic_no_spec
    basic_two_objects
    change_by_handler
    change_by_handler_two
    change_during_create
    change_during_retry
    change_during_two
    change_json_fn
    change_labels
    change_noop
    change_rapid
    change_status_only
    coexist_life
    coexist_retries
    daemon_delay
    daemon_exits
    daemon_exits_restart
    daemon_life
    daemon_patches
    daemon_restart
    diff_bool_int
    diff_large
    diff_nested
    diff_too_large
    diff_types
    diff_unicode
    error_default_mode
    error_delay_zero
    error_modes
    error_permanent
    error_rejected_patch
    error_results
    error_resume
    error_retries
    error_temporary
    error_timeout
    error_update
    filter_field_absent_create
    filter_field_create
    filter_field_unrelated
    filter_field_update
    filter_finalizer
    filter_finalizer_unlabelled_deleting
    filter_labels
    filter_only_delete
    filter_optional_and_mandatory
    filter_optional_delete
    filter_optional_delete_held
    filter_resume_freed
    index_at_start
    kind_configmap
    kind_long_ids
    kind_namespace
    kind_no_status_subresource
    kind_status_field
    offline_delete
    offline_force_removed
    offline_nothing
    offline_status
    offline_update
    restart_handlers_changed
    restart_kill_delete
    restart_kill_first
    restart_kill_retry
    restart_retry
    restart_stop_running
    timer_delete_running
    timer_idle
    timer_idle_noop
    timer_interval
    timer_patch
    timer_permanent
    timer_slow
    sub_basic
    sub_retry
    sub_update
}

#[test]
fn every_scenario_is_played() {
    let named = |names: &[&str]| {
        let mut names: Vec<String> = names.iter().map(|name| name.replace('_', "-")).collect();
        names.sort();
        names
    };
    assert_eq!(named(scenarios::NAMES), Scenario::names());
    assert_eq!(named(promised::NAMES), Scenario::promised());
}

#[test]
fn defects_of_kopf_and_nothing_unknown_are_improved_on() {
    let names = Scenario::names();
    for name in expectation::improved_names() {
        assert!(names.contains(&name), "there is no scenario {name}");
    }
    for name in names {
        let scenario = Scenario::load(&name);
        assert!(
            !scenario.shows_defect() || scenario.is_improved(),
            "{name} shows a defect of Kopf: say in oracle/improved/{name}.json what is better"
        );
    }
}
