//! CheckedManifest to [`Plan`]: the stages in order, each with its names,
//! parameters and what its template shows. Nothing but this folder knows how
//! many stages there are and what they are called.

pub(crate) mod cdn;
mod footprint;
mod function;
pub(crate) mod iam;
mod lambda_edge;
pub(crate) mod logs;
mod named;
mod packaged;
mod posture;
mod reads;
mod trial;

pub use crate::check::Launch;
pub use cdn::PATHS;
pub use footprint::{Footprint, NamedFunction, Names, Placed};
pub use iam::fits_a_policy;
pub use named::Named;
pub(crate) use named::{Read, named};
pub(crate) use packaged::Packaged;
pub use trial::Trial;

use crate::check::{CheckedManifest, EDGE_REGION};
use crate::names;
use crate::syntax::Node;
use frames_edge::{AuthorizerConfig, ReaderConfig, SignerConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is deployed, in order.
#[derive(Debug, Clone)]
pub struct Plan {
    pub service: String,
    pub env: String,
    /// The account that this may be deployed to; `None`: any.
    pub account: Option<String>,
    /// Holds the zips; `None`: one that deploy makes.
    pub artifact_bucket: Option<String>,
    /// Under which the distribution is reached, beside its own name.
    pub names: Vec<String>,
    /// The user lets an overlay through that opens the endpoint.
    pub unsafe_overlay: bool,
    /// How many different deployments stay in the artifact bucket.
    pub keep: usize,
    pub stages: Vec<Stage>,
    /// Stacks that this manifest has nothing to put into, and an earlier form of it may have
    /// left: a deployment deletes them, and so does a removal.
    pub former: Vec<Place>,
}

/// Where a stage's stack is, and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The stage's: `lambda-edge`.
    pub name: &'static str,
    pub stack_name: String,
    /// What the stack's description begins with. A stack of that name without it is somebody else's.
    pub mark: String,
    pub region: String,
}

/// A CloudFormation stack. It is read as its [`Place`], too.
#[derive(Debug, Clone)]
pub struct Stage {
    pub place: Place,
    pub parameters: BTreeMap<String, Parameter>,
    /// Functions whose zips the stack takes from the artifact bucket.
    pub functions: Vec<Function>,
    /// The stack's; CloudFormation hands them on to its resources.
    pub tags: BTreeMap<String, String>,
    pub termination_protection: bool,
    pub(crate) view: View,
    /// The manifest's `resources` for this stage.
    pub overlay: Option<Node>,
}

impl std::ops::Deref for Stage {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

/// What a stage's template shows, apart from what the zips' hashes decide.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum View {
    LambdaEdge(Box<lambda_edge::View>),
    Reads(Box<reads::View>),
    Cdn(Box<cdn::View>),
    Logs(Box<logs::View>),
    /// Of a stage whose template was made when it was packaged, and isn't made again.
    Packaged(Packaged),
}

/// How many policies of CloudFront's a stage makes, by their kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyCounts {
    pub cache: usize,
    pub origin_request: usize,
    pub response_headers: usize,
}

/// Where a parameter's value comes from at deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "camelCase")]
pub enum Parameter {
    /// The bucket that holds the zips, in the stage's Region.
    ArtifactBucket,
    /// An output of a stage before.
    Output { stage: String, output: String },
}

/// An output of a stage before, as a template declares it.
#[derive(Debug, Clone, Serialize)]
struct ParameterView {
    #[serde(skip)]
    stage: &'static str,
    name: String,
    description: String,
}

/// A function: the same program for everybody, decided by its `config.json`.
#[derive(Debug, Clone)]
pub struct Function {
    pub name: &'static str,
    pub config: Config,
    /// How the managed runtime starts the program; `None`: it is the runtime itself, and runs in
    /// its stack's Region only.
    pub launch: Option<Launch>,
    /// What a new version is asked before CloudFront runs it; `None`: CloudFront runs none.
    pub trial: Option<Trial>,
}

/// A function's `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Config {
    Authorizer(Box<AuthorizerConfig>),
    Signer(SignerConfig),
    Reader(ReaderConfig),
    /// It is in a zip that was made before.
    Packaged,
}

impl Config {
    /// As it is written into the zip.
    pub fn json(&self) -> Value {
        json!(self)
    }
}

impl Function {
    /// The zip's file [`names::LAUNCH_FILE`], where it has one.
    pub fn launch_file(&self) -> Option<&'static str> {
        match self.launch {
            None | Some(Launch::Exec) => None,
            Some(Launch::Child) => Some("child\n"),
        }
    }

    /// Whether it runs at the edge, in whichever Region is near a viewer.
    pub fn is_replicated(&self) -> bool {
        self.launch.is_some()
    }
}

/// A function's zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    pub function: String,
    /// In lower-case hexadecimal.
    pub sha256: String,
    pub bytes: u64,
}

pub fn plan(manifest: &CheckedManifest, env: &str) -> Plan {
    let mut stages = vec![lambda_edge::stage(manifest, env)];
    stages.extend(reads::stage(manifest, env));
    stages.push(cdn::stage(manifest, env));
    let mut former = Vec::new();
    match logs::stage(manifest, env) {
        Some(stage) => stages.push(stage),
        // With the cdn stack in the edge's Region there never was one.
        None if logs::is_apart(manifest) => {
            former.push(Place::new(manifest, env, names::LOGS, EDGE_REGION))
        }
        None => {}
    }
    Plan {
        service: manifest.service.clone(),
        env: env.to_owned(),
        account: manifest.deploy.account.clone(),
        artifact_bucket: manifest.deploy.bucket.clone(),
        names: manifest
            .domain
            .as_ref()
            .map(|domain| domain.cnames.clone())
            .unwrap_or_default(),
        unsafe_overlay: false,
        keep: manifest.deploy.keep,
        stages,
        former,
    }
}

impl Plan {
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.stages.iter().flat_map(|stage| &stage.functions)
    }

    fn configs_mut(&mut self) -> impl Iterator<Item = &mut Config> {
        let functions = self.stages.iter_mut().flat_map(|s| &mut s.functions);
        functions.map(|function| &mut function.config)
    }

    /// The stage that makes a function.
    pub fn stage_of(&self, function: &str) -> Option<&Stage> {
        let has = |stage: &&Stage| stage.functions.iter().any(|one| one.name == function);
        self.stages.iter().find(has)
    }

    /// What the authorizer is told, where a stage has it.
    pub fn authorizer(&self) -> Option<&AuthorizerConfig> {
        self.functions()
            .find_map(|function| match &function.config {
                Config::Authorizer(config) => Some(config.as_ref()),
                Config::Signer(_) | Config::Reader(_) | Config::Packaged => None,
            })
    }

    /// What a new version of the authorizer is asked; a packaged plan has it too.
    pub fn authorizer_trial(&self) -> Option<&Trial> {
        let mut functions = self.functions();
        let authorizer = functions.find(|function| function.name == names::AUTHORIZER);
        authorizer?.trial.as_ref()
    }

    pub fn authorizer_mut(&mut self) -> Option<&mut AuthorizerConfig> {
        self.configs_mut().find_map(|config| match config {
            Config::Authorizer(config) => Some(config.as_mut()),
            Config::Signer(_) | Config::Reader(_) | Config::Packaged => None,
        })
    }

    /// What the signer is told, where a stage has it.
    pub fn signer(&self) -> Option<&SignerConfig> {
        self.functions()
            .find_map(|function| match &function.config {
                Config::Signer(config) => Some(config),
                Config::Authorizer(_) | Config::Reader(_) | Config::Packaged => None,
            })
    }

    /// Which addresses the issuer's key set is fetched from, as a digest that the deployed stack
    /// has too. `None`: there is no issuer to ask, or the manifest brings a set of its own.
    pub fn keys_from(&self) -> Option<String> {
        let auth = self.authorizer()?.auth.as_ref()?;
        names::keys_from(auth)
    }

    /// What is delivered to whom, as a digest that the deployed stack has too. `None`: nothing
    /// tells this delivery from others.
    pub fn delivers(&self) -> Option<&str> {
        self.stages.iter().find_map(|stage| match &stage.view {
            View::LambdaEdge(view) => view.delivers(),
            View::Packaged(view) => view.delivers.as_deref(),
            View::Reads(_) | View::Cdn(_) | View::Logs(_) => None,
        })
    }

    /// For how long the functions' logs are kept, in every Region; none: for ever.
    pub fn log_retention_days(&self) -> Option<i32> {
        self.stages.iter().find_map(|stage| match &stage.view {
            View::LambdaEdge(view) => view.log_retention_days.try_into().ok(),
            View::Packaged(view) => view.log_retention_days,
            View::Reads(_) | View::Cdn(_) | View::Logs(_) => None,
        })
    }

    /// Lets the pages of one more origin read the answers: the page of `frames dev`.
    /// Nothing changes where CORS is off, or open to all.
    pub fn admit(&mut self, origin: &str) {
        let admit = |origins: &mut Vec<String>| {
            if !origins.is_empty() && !origins.iter().any(|known| known == "*") {
                origins.push(origin.to_owned());
            }
        };
        if let Some(config) = self.authorizer_mut() {
            admit(&mut config.cors.origins);
        }
        for stage in &mut self.stages {
            if let View::Cdn(view) = &mut stage.view {
                view.response_headers.origins_mut().map(admit);
            }
        }
    }
}

impl Stage {
    fn new(
        manifest: &CheckedManifest,
        env: &str,
        name: &'static str,
        region: &str,
        view: View,
    ) -> Self {
        Self {
            place: Place::new(manifest, env, name, region),
            parameters: BTreeMap::new(),
            functions: vec![],
            tags: manifest.deploy.tags.clone(),
            termination_protection: manifest.deploy.termination_protection,
            view,
            overlay: manifest.resources.get(name).cloned(),
        }
    }

    /// How many managed policies the role with the most of them has.
    pub fn most_role_policies(&self) -> usize {
        let policies = self.view.functions().iter().map(|f| f.policies.len());
        policies.max().unwrap_or_default()
    }

    pub fn policy_counts(&self) -> PolicyCounts {
        match &self.view {
            View::Cdn(view) => view.policy_counts(),
            View::LambdaEdge(_) | View::Reads(_) | View::Logs(_) | View::Packaged(_) => {
                PolicyCounts::default()
            }
        }
    }
}

impl Place {
    fn new(manifest: &CheckedManifest, env: &str, name: &'static str, region: &str) -> Self {
        Self::of(&manifest.service, env, name, region)
    }

    pub fn of(service: &str, env: &str, name: &'static str, region: &str) -> Self {
        Self {
            name,
            stack_name: names::stack(service, env, name),
            mark: names::mark(service, env),
            region: region.to_owned(),
        }
    }
}

impl View {
    /// What the template shows of the functions, in their order.
    fn functions(&self) -> &[function::FunctionView] {
        match self {
            Self::LambdaEdge(view) => &view.functions,
            Self::Reads(view) => &view.functions,
            Self::Cdn(_) | Self::Logs(_) | Self::Packaged(_) => &[],
        }
    }

    /// With what the zips decide, in the functions' order.
    pub(crate) fn with_built(&self, built: Vec<Built>) -> Self {
        let mut view = self.clone();
        let functions: &mut [function::FunctionView] = match &mut view {
            Self::LambdaEdge(view) => &mut view.functions,
            Self::Reads(view) => &mut view.functions,
            Self::Cdn(_) | Self::Logs(_) | Self::Packaged(_) => &mut [],
        };
        for (function, built) in functions.iter_mut().zip(built) {
            function.built = Some(built);
        }
        view
    }

    /// The path of the functions' roles.
    pub(crate) fn role_path(&self) -> &str {
        match self {
            Self::LambdaEdge(view) => &view.path,
            Self::Reads(view) => &view.path,
            Self::Cdn(_) | Self::Logs(_) | Self::Packaged(_) => "/",
        }
    }
}

/// What a function's zip decides of its resources.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Built {
    pub artifact_key: String,
    pub version_id: String,
    pub code_sha256: String,
}

fn outputs(parameters: &[ParameterView]) -> BTreeMap<String, Parameter> {
    let value = |parameter: &ParameterView| Parameter::Output {
        stage: parameter.stage.to_owned(),
        output: parameter.name.clone(),
    };
    let pairs = parameters.iter().map(|one| (one.name.clone(), value(one)));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::checked;

    /// The origins in the functions' configurations and in the distribution's policy.
    fn origins(cors: &str) -> Vec<Value> {
        let text = format!("service: x\nauth: {{mode: none}}\ndelivery: {{cors: {cors}}}\n");
        let mut plan = plan(&checked(&text), "dev");
        plan.admit("http://127.0.0.1:1");
        let views = plan.stages.iter().map(|stage| json!(stage.view));
        let policies = views.filter_map(|view| {
            let origins = view.pointer("/response_headers/cors/origins");
            origins.cloned()
        });
        let config = plan.authorizer().map(|config| json!(config.cors.origins));
        config.into_iter().chain(policies).collect()
    }

    /// The stages' names, and the names of stacks that an earlier form may have left.
    fn stages(rest: &str) -> (Vec<&'static str>, Vec<String>) {
        let text = format!("service: x\nauth: {{mode: none}}\n{rest}\n");
        let plan = plan(&checked(&text), "dev");
        let stages = plan.stages.iter().map(|stage| stage.name);
        let former = plan.former.into_iter().map(|former| former.stack_name);
        (stages.collect(), former.collect())
    }

    #[test]
    fn elsewhere_logs_and_alarms_have_a_stage() {
        const ALARMS: &str = "alarms: {topicArn: 'arn:aws:sns:us-east-1:111122223333:t'}";
        const OFF: &str = "logs: {access: {enabled: false}}";
        let two = vec!["lambda-edge", "cdn"];
        let three = vec!["lambda-edge", "cdn", "logs"];
        let elsewhere = |rest: &str| stages(&format!("deploy: {{region: eu-west-1}}\n{rest}"));
        assert_eq!(stages(ALARMS), (two.clone(), vec![]));
        assert_eq!(stages(OFF), (two.clone(), vec![]));
        assert_eq!(elsewhere(""), (three.clone(), vec![]));
        assert_eq!(elsewhere(&format!("{OFF}\n{ALARMS}")), (three, vec![]));
        // Nothing is left to put into it.
        assert_eq!(elsewhere(OFF), (two, vec!["x-dev-logs".to_owned()]));
    }

    #[test]
    fn a_third_stage_is_in_us_east_1_and_takes_what_it_needs() {
        let text = "service: x\nauth: {mode: none}\ndeploy: {region: eu-west-1}\n";
        let plan = plan(&checked(text), "dev");
        let logs = plan.stages.last().unwrap();
        assert_eq!(logs.region, "us-east-1");
        let from = |stage: &str, output: &str| Parameter::Output {
            stage: stage.to_owned(),
            output: output.to_owned(),
        };
        let id = (
            names::DISTRIBUTION_ID.to_owned(),
            from("cdn", "DistributionId"),
        );
        let key = (
            names::LOGS_KEY_ARN.to_owned(),
            from("lambda-edge", "LogsKeyArn"),
        );
        assert_eq!(logs.parameters, BTreeMap::from([id, key]));
    }

    #[test]
    fn a_plan_tells_what_a_stage_decides() {
        let plan = |rest: &str| {
            let text = format!("service: x\n{rest}\n");
            super::plan(&checked(&text), "dev")
        };
        let open = plan("auth: {mode: none}");
        for name in [names::AUTHORIZER, names::SIGNER] {
            assert_eq!(open.stage_of(name).unwrap().name, "lambda-edge");
        }
        assert!(open.stage_of("shim").is_none());
        assert!(open.authorizer().unwrap().auth.is_none());
        assert_eq!(open.signer().unwrap().region, "us-east-1");
        assert_eq!(open.keys_from(), None, "no issuer to ask");
        let pool = |id: &str| format!("auth: {{mode: cognito, userPoolId: us-east-1_{id}}}");
        let one = plan(&pool("AbCdEfGhI"));
        let digest = one.keys_from().unwrap();
        assert_eq!(digest.len(), 64);
        assert_ne!(plan(&pool("AbCdEfGhJ")).keys_from(), Some(digest));
        for (rest, days) in [("", 30), ("logs: {functions: {retentionDays: 90}}", 90)] {
            let plan = plan(&format!("auth: {{mode: none}}\n{rest}"));
            assert_eq!(plan.log_retention_days(), Some(days), "{rest}");
        }
    }

    #[test]
    fn an_admitted_origin_joins_named_ones_alone() {
        let named = serde_json::json!(["https://a.example", "http://127.0.0.1:1"]);
        assert_eq!(
            origins("{origins: ['https://a.example']}"),
            [named.clone(), named]
        );
        let any = serde_json::json!(["*"]);
        assert_eq!(origins("{}"), [any.clone(), any]);
        assert_eq!(origins("{origins: []}"), [serde_json::json!([])]);
    }
}
