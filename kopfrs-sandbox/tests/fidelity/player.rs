//! Plays a scenario: does its steps one after another, and notes every difference.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderMap, header};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    Failure,
    access::Access,
    canonical::canonical,
    client::{Answer, Client, Content},
    diff::{differences, differences_unordered, short},
    fixtures,
    ordered::Ordered,
    path::{self, Path},
    placeholder::{self, Bindings},
    poll::Poll,
    request::Request,
    scenario::{Action, Scenario, Step},
    variables::Variables,
    watch::{Until, Watch},
    webhooks::Webhooks,
};

/// How often a request is repeated until its answer is what is waited for.
const PAUSE: Duration = Duration::from_millis(100);

/// Everything that is not as expected.
pub(crate) async fn play(access: &Access, scenario: &Scenario) -> Vec<String> {
    let mut player = Player::new(access, scenario);
    let played = player.run().await;
    player.watches.clear();
    drop(player.webhooks.take());
    let cleaned = fixtures::tear_down(&player.client, scenario).await;
    for failure in [played, cleaned].into_iter().filter_map(Result::err) {
        player.report.push(failure.to_string());
    }
    player.report
}

struct Player<'a> {
    client: Client,
    scenario: &'a Scenario,
    variables: Variables,
    bindings: Bindings,
    watches: BTreeMap<String, Watch>,
    webhooks: Option<Webhooks>,
    /// When each uid was created: that never changes.
    created: BTreeMap<String, String>,
    report: Vec<String>,
}

impl<'a> Player<'a> {
    fn new(access: &Access, scenario: &'a Scenario) -> Self {
        Self {
            client: Client::new(access.clone()),
            scenario,
            variables: Variables::default(),
            bindings: Bindings::default(),
            watches: BTreeMap::new(),
            webhooks: None,
            created: BTreeMap::new(),
            report: Vec::new(),
        }
    }

    async fn run(&mut self) -> Result<(), Failure> {
        fixtures::set_up(&self.client, self.scenario).await?;
        if let Some(handlers) = &self.scenario.webhooks {
            let webhooks = Webhooks::start(handlers.clone()).await?;
            self.variables.set("webhook.url", json!(webhooks.url));
            self.variables.set("webhook.ca", json!(webhooks.authority));
            self.webhooks = Some(webhooks);
        }
        for (index, step) in self.scenario.steps.iter().enumerate() {
            let place = format!("step {}{}", index + 1, step.label());
            let known = self.report.len();
            let done = self.step(step).await;
            for line in &mut self.report[known..] {
                *line = format!("{place}: {line}");
            }
            done.map_err(|failure| format!("{place}: {failure}"))?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), Failure> {
        match step.action()? {
            Action::Request(request) => self.request(step, request).await,
            Action::Watch(watch) => self.watch(step, watch).await,
            Action::Read(id) => {
                let mut watch = self.watches.remove(id).ok_or("there is no such watch")?;
                let read = self.events(step, &mut watch).await;
                self.watches.insert(id.to_owned(), watch);
                read
            }
            Action::Stop(id) => {
                let stopped = self.watches.remove(id).map(drop);
                Ok(stopped.ok_or("there is no such watch")?)
            }
            Action::WebhookCalls(asked) => {
                let webhooks = self.webhooks.as_ref().ok_or("there is no webhook server")?;
                let calls = webhooks.take_calls();
                if !asked.discard {
                    let wanted = step.expect.body.as_ref().ok_or("no calls are expected")?;
                    self.compare(step, wanted, &json!({"calls": calls}))?;
                }
                Ok(())
            }
        }
    }

    async fn request(&mut self, step: &Step, request: &Ordered) -> Result<(), Failure> {
        let request = Request::parse(&self.variables.fill_ordered(request)?)?;
        let answer = self.answer(step, &request).await?;
        let body = answer.content.to_value();
        self.note_created(&body);
        self.check_parts(step, &body)?;
        self.save(step, &body)?;
        self.check_answer(step, &answer)
    }

    /// The answer to a request that is repeated, if need be, until its condition holds.
    async fn answer(&mut self, step: &Step, request: &Request) -> Result<Answer, Failure> {
        let Some(poll) = &step.poll else {
            return self.client.send(request).await;
        };
        let poll: Poll = serde_json::from_value(self.variables.fill(poll)?)?;
        let deadline = Instant::now() + Duration::from_secs_f64(poll.timeout);
        loop {
            let answer = self.client.send(request).await?;
            if poll.until.holds(&answer)? {
                return Ok(answer);
            }
            if Instant::now() > deadline {
                let body = short(&answer.content.to_value(), 400);
                let last = format!("the last answer is {} {body}", answer.status);
                self.report
                    .push(format!("{:?} does not come true; {last}", poll.until));
                return Ok(answer);
            }
            sleep(PAUSE).await;
        }
    }

    fn check_answer(&mut self, step: &Step, answer: &Answer) -> Result<(), Failure> {
        let body = answer.content.to_value();
        let expected = &step.expect;
        let status = expected.status.ok_or("no status is expected")?;
        if status != answer.status {
            let (got, body) = (answer.status, short(&body, 500));
            self.report
                .push(format!("status: expected {status}, got {got} {body}"));
            return Ok(());
        }
        self.check_headers(&expected.headers, &answer.headers);
        if let Some(wanted) = &expected.body {
            self.compare(step, wanted, &body)?;
            self.check_list_version(wanted, &body);
        }
        if let Some(text) = &expected.text {
            let found = placeholder::compare(text, &body, &mut self.bindings);
            self.report
                .extend(found.err().map(|why| format!("text: {why}")));
        }
        Ok(())
    }

    /// Only headers that are named are compared; a warning that is not is a difference.
    fn check_headers(&mut self, expected: &BTreeMap<String, Value>, actual: &HeaderMap) {
        for (name, wanted) in expected {
            let found = header_value(actual, name);
            let found = differences(wanted, &found, &mut self.bindings);
            self.report
                .extend(found.iter().map(|why| format!("header {name}: {why}")));
        }
        let warning = header::WARNING.as_str();
        if actual.contains_key(warning) && !expected.contains_key(warning) {
            let found = header_value(actual, warning);
            self.report
                .push(format!("header warning: unexpected {found}"));
        }
    }

    fn compare(&mut self, step: &Step, wanted: &Value, actual: &Value) -> Result<(), Failure> {
        let actual = self.shaped(step, actual)?;
        let found = differences(wanted, &actual, &mut self.bindings);
        self.report.extend(found);
        Ok(())
    }

    /// What of an answer is compared.
    fn shaped(&self, step: &Step, value: &Value) -> Result<Value, Failure> {
        let mut value = canonical(value, self.scenario.managed_fields);
        for path in &step.drop {
            path::drop(&mut value, &Path::parse(path)?);
        }
        if step.pick.is_empty() || !(value.is_object() || value.is_array()) {
            return Ok(value);
        }
        let paths: Result<Vec<Path>, Failure> =
            step.pick.iter().map(|path| Path::parse(path)).collect();
        Ok(path::pick(&value, &paths?))
    }

    /// What the step says about single parts of the answer.
    fn check_parts(&mut self, step: &Step, body: &Value) -> Result<(), Failure> {
        for path in &step.absent {
            if let Some(found) = Path::parse(path)?
                .all(body)
                .iter()
                .find(|found| !found.is_null())
            {
                self.report.push(format!(
                    "{path}: is to be absent, but is {}",
                    short(found, 160)
                ));
            }
        }
        for path in &step.present {
            if Path::parse(path)?.first(body).is_none() {
                self.report.push(format!("{path}: is to be present"));
            }
        }
        for (path, wanted) in &step.equal {
            let (wanted, found) = (self.variables.fill(wanted)?, Path::parse(path)?.first(body));
            if found != Some(&wanted) {
                let found = found.map(|found| short(found, 160));
                self.report
                    .push(format!("{path}: expected {wanted}, got {found:?}"));
            }
        }
        for (path, wanted) in &step.newer {
            let (wanted, found) = (self.variables.fill(wanted)?, Path::parse(path)?.first(body));
            if found.and_then(digits) <= digits(&wanted) {
                self.report.push(format!(
                    "{path}: expected more than {wanted}, got {found:?}"
                ));
            }
        }
        Ok(())
    }

    /// A list is not older than what is in it.
    fn check_list_version(&mut self, wanted: &Value, body: &Value) {
        if wanted["metadata"]["resourceVersion"] != "<listrv>" {
            return;
        }
        let list = digits(&body["metadata"]["resourceVersion"]);
        for item in body["items"].as_array().into_iter().flatten() {
            let version = &item["metadata"]["resourceVersion"];
            if digits(version) > list {
                self.report.push(format!(
                    "the list ({list:?}) is older than an item ({version})"
                ));
            }
        }
    }

    fn save(&mut self, step: &Step, body: &Value) -> Result<(), Failure> {
        for (variable, path) in &step.save {
            let found = Path::parse(path)?.first(body).cloned();
            let found = found.filter(|found| !found.is_null());
            let value = found.ok_or_else(|| {
                format!(
                    "nothing at {path} to save as {variable} in {}",
                    short(body, 300)
                )
            })?;
            self.variables.set(variable, value);
        }
        Ok(())
    }

    fn note_created(&mut self, value: &Value) {
        let metadata = &value["metadata"];
        if let (Some(uid), Some(time)) = (
            metadata["uid"].as_str(),
            metadata["creationTimestamp"].as_str(),
        ) {
            let first = self
                .created
                .entry(uid.to_owned())
                .or_insert_with(|| time.to_owned());
            if first != time {
                self.report
                    .push(format!("{uid} was created at {first}, now at {time}"));
            }
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.note_created(item)),
            Value::Object(members) => members
                .values()
                .for_each(|member| self.note_created(member)),
            _ => {}
        }
    }

    async fn watch(&mut self, step: &Step, watch: &Value) -> Result<(), Failure> {
        let request = Request::parse(&self.variables.fill(watch)?.into())?;
        let id = request.id.clone();
        let mut watch = Watch::open(&self.client, request).await?;
        self.check_opening(step, &watch)?;
        let read = match watch.status {
            200 if step.until.is_some() => self.events(step, &mut watch).await,
            _ => Ok(()),
        };
        if !id.is_empty() {
            self.watches.insert(id, watch);
        }
        read
    }

    fn check_opening(&mut self, step: &Step, watch: &Watch) -> Result<(), Failure> {
        let answer = Answer {
            status: watch.status,
            headers: watch.headers.clone(),
            content: match &watch.refusal {
                Some(refusal) => Content::Json(refusal.to_value()),
                None => Content::Text(String::new()),
            },
        };
        self.check_answer(step, &answer)
    }

    async fn events(&mut self, step: &Step, watch: &mut Watch) -> Result<(), Failure> {
        let until = self.variables.fill(
            step.until
                .as_ref()
                .ok_or("the step does not say until when")?,
        )?;
        let until: Until = serde_json::from_value(until)?;
        let events = watch.read(&until, step.bookmarks).await?;
        let all = json!(events);
        self.note_created(&all);
        self.save(step, &all)?;
        let shaped: Result<Vec<Value>, Failure> = events
            .iter()
            .map(|event| self.shaped(step, event))
            .collect();
        let shaped = shaped?;
        let found = if step.unordered {
            differences_unordered(&step.expect_events, &shaped, &mut self.bindings)
        } else {
            differences(
                &json!(step.expect_events),
                &json!(shaped),
                &mut self.bindings,
            )
        };
        self.report
            .extend(found.iter().map(|why| format!("events: {why}")));
        Ok(())
    }
}

/// A header as expectations have it: several warnings are sorted.
fn header_value(headers: &HeaderMap, name: &str) -> Value {
    let values = headers.get_all(name).iter();
    let mut values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    if name == header::WARNING.as_str() {
        let mut warnings: Vec<String> = values.collect();
        warnings.sort();
        return json!(warnings);
    }
    json!(values.next())
}

fn digits(value: &Value) -> Option<u64> {
    value.as_str()?.parse().ok()
}
