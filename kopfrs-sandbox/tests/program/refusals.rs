//! What the program says when it cannot come up.

use std::net::TcpListener;

use super::{
    place::Place,
    process::{refused, serve},
};

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_way_out() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let said = refused(&["--port", &port.to_string()]).await;
    assert!(
        said.contains(&format!("failed to listen on 127.0.0.1:{port}")),
        "{said}"
    );
    assert!(said.contains("choose another port with --port"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

/// Loads a text; gives what was said, less the name of the file.
async fn loading(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.yaml");
    std::fs::write(&file, text).expect("written");
    let path = file.to_str().expect("text");
    let said = refused(&["--load", path]).await;
    let rest = said.trim_end().strip_prefix("error: failed to load ");
    let rest = rest.and_then(|rest| rest.strip_prefix(path));
    rest.unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[tokio::test]
async fn broken_files_are_named_with_document_and_line() {
    let first = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n---\n# a comment\n";
    let said = loading(&format!("{first}kind: [\n")).await;
    assert!(
        said.starts_with(": document 2 (line 7): failed to parse line "),
        "{said}"
    );
    let said = loading(&format!(
        "{first}kind: Widget\napiVersion: example.com/v1\n"
    ))
    .await;
    assert_eq!(
        said,
        ": document 2 (line 7): no kind Widget in example.com/v1 is served; apply its definition first"
    );
    let said = loading(&format!("{first}kind: ConfigMap\n")).await;
    assert_eq!(
        said,
        ": document 2 (line 7): it has no apiVersion or no kind"
    );
    let said = loading(&format!(
        "{first}apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: UPPER}}\n"
    ))
    .await;
    assert!(
        said.starts_with(": document 2 (line 7): failed to apply ConfigMap default/UPPER: "),
        "{said}"
    );
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let said = refused(&["--load", "/nowhere/at-all.yaml"]).await;
    assert!(
        said.starts_with("error: failed to read /nowhere/at-all.yaml: No such file"),
        "{said}"
    );
    let said = refused(&["--kubeconfig", "/nowhere/config"]).await;
    assert!(
        said.contains("failed to write the kubeconfig /nowhere/config: No such file"),
        "{said}"
    );
    let said = refused(&["--persist", "/nowhere/state"]).await;
    assert!(said.contains("/nowhere/state: No such file"), "{said}");
}

/// Starts on a file with some content; gives what was said.
async fn persisted(content: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state");
    std::fs::write(&file, content).expect("written");
    let said = refused(&["--persist", file.to_str().expect("text")]).await;
    assert_eq!(
        std::fs::read(&file).expect("read"),
        content,
        "it was left as it is"
    );
    said
}

async fn state() -> String {
    let place = Place::new();
    let program = serve(&place.arguments()).await;
    assert!(program.signal("INT").await.status.success());
    place.read()
}

#[tokio::test]
async fn files_that_are_no_states_are_left_alone_with_the_way_out() {
    let said = persisted(b"apiVersion: v1\nkind: Config\n").await;
    assert!(said.contains("is no state of a kopfrs-sandbox"), "{said}");
    assert!(said.contains("choose another file"), "{said}");
    let said = persisted(&[0xff, 0xfe, 0, 10, 1]).await;
    assert!(said.contains("is no state of a kopfrs-sandbox"), "{said}");
    let folder = tempfile::tempdir().expect("a folder");
    let said = refused(&["--persist", folder.path().to_str().expect("text")]).await;
    assert!(said.contains("it is no regular file"), "{said}");

    let state = state().await;
    let later = state.replacen("\"version\":1", "\"version\":99", 1);
    let said = persisted(later.as_bytes()).await;
    assert!(
        said.contains("written by a later kopfrs-sandbox (its format is 99"),
        "{said}"
    );
    let cut = &state[..state.len() - 10];
    let said = persisted(cut.as_bytes()).await;
    let last = state.lines().count();
    assert!(
        said.contains(&format!("is broken at line {last}: ")),
        "{said}"
    );
    assert!(
        said.contains("put a copy in its place, or move it away"),
        "{said}"
    );
}

#[tokio::test]
async fn two_programs_do_not_keep_one_state() {
    let place = Place::new();
    let first = serve(&place.arguments()).await;
    let linked = place.folder().join("link");
    std::os::unix::fs::symlink(&place.file, &linked).expect("a link");
    for path in [place.file.as_str(), linked.to_str().expect("text")] {
        let said = refused(&["--persist", path]).await;
        let expected = format!("is in use by another sandbox (process {})", first.id());
        assert!(said.contains(&expected), "{said}");
    }
    assert!(first.signal("INT").await.status.success());
}
