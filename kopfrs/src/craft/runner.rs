//! Which program does the operations, and where.

use std::path::PathBuf;

use clap::Args;

use super::controller::Controller;
use crate::cli::run::said;
use crate::exec::{BoxRunner, Job, Pod};

/// Where the program runs.
#[derive(Clone, Debug, Args)]
pub(super) struct RunnerOptions {
    /// Run this program beside the operator: a path, or a name to be looked for in PATH.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["pod", "job"])]
    pub(super) process: Option<PathBuf>,
    /// Run `image` in a Pod (the default).
    #[arg(long, conflicts_with = "job")]
    pub(super) pod: bool,
    /// Run `image` in a Job.
    #[arg(long)]
    pub(super) job: bool,
    /// Call the program with these arguments, for programs that were written for CRAFT: "--type {type} --spec {spec}".
    /// Everybody who may look at processes and Pods can read them.
    #[arg(long, value_name = "TEMPLATE", allow_hyphen_values = true)]
    pub(super) arguments: Option<String>,
}

/// Options that Pods and Jobs share.
macro_rules! in_a_container {
    ($runner:ident, $options:expr, $controller:expr) => {{
        let mut runner = $runner::new(image($controller)?);
        for (name, value) in $controller.variables() {
            runner = runner.env(name, value);
        }
        if let Some(policy) = $controller.optional("imagePullPolicy") {
            runner = runner.image_pull_policy(policy);
        }
        if let Some(secret) = $controller.optional("imagePullSecrets") {
            runner = runner.image_pull_secret(secret);
        }
        for (resource, key) in [("cpu", "cpu_limit"), ("memory", "memory_limit")] {
            if let Some(limit) = $controller.optional(key) {
                runner = runner.limit(resource, limit);
            }
        }
        if let Some(template) = &$options.arguments {
            runner = runner.arguments_template(template).map_err(said)?;
        }
        Ok(BoxRunner::new(runner))
    }};
}

impl RunnerOptions {
    /// # Errors
    /// If something is missing for it.
    pub(super) fn runner(&self, controller: &Controller) -> Result<BoxRunner, String> {
        match &self.process {
            Some(program) => self.beside(program, controller),
            None if self.job => in_a_container!(Job, self, controller),
            None => in_a_container!(Pod, self, controller),
        }
    }

    #[cfg(unix)]
    fn beside(
        &self,
        program: &std::path::Path,
        controller: &Controller,
    ) -> Result<BoxRunner, String> {
        let mut process = crate::exec::Process::new(program);
        for (name, value) in controller.variables() {
            process = process.env(name, value);
        }
        if let Some(template) = &self.arguments {
            process = process.arguments_template(template).map_err(said)?;
        }
        Ok(BoxRunner::new(process))
    }

    #[cfg(not(unix))]
    fn beside(&self, _: &std::path::Path, _: &Controller) -> Result<BoxRunner, String> {
        Err("--process needs a Unix: use --pod or --job".to_owned())
    }

    /// The same as arguments.
    pub(super) fn arguments(&self) -> Vec<String> {
        let place = match &self.process {
            Some(program) => format!("--process={}", program.display()),
            None if self.job => "--job".to_owned(),
            None => "--pod".to_owned(),
        };
        let template = self.arguments.iter();
        let template = template.map(|template| format!("--arguments={template}"));
        std::iter::once(place).chain(template).collect()
    }
}

fn image(controller: &Controller) -> Result<&str, String> {
    controller.optional("image").ok_or_else(|| {
        "controller.json: $.image: it is missing: add the image with the program, or run one beside the operator with \
         --process"
            .to_owned()
    })
}
