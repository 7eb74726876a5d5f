// Runs cdk-nag's AwsSolutions and HIPAASecurity packs over CloudFormation
// templates; prints what they find as JSON. Run where cdk-nag is installed.
//
// cdk-nag 3 takes acknowledgements only from constructs: those in a resource's
// Metadata, as cdk-nag itself writes them there, are handed on.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const { App, Stack, Validations } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { AwsSolutionsChecks, HIPAASecurityChecks } = require("cdk-nag");

const found = [];
for (const file of JSON.parse(readFileSync(0, "utf8"))) {
  const stack = new Stack(new App({ analyticsReporting: false }), "Stack");
  const template = new CfnInclude(stack, "Template", { templateFile: file });
  const { Resources } = JSON.parse(readFileSync(file, "utf8"));
  for (const [id, { Metadata }] of Object.entries(Resources)) {
    for (const rule of Metadata?.cdk_nag?.rules_to_suppress ?? []) {
      Validations.of(template.getResource(id)).acknowledge(rule);
    }
  }
  for (const Pack of [AwsSolutionsChecks, HIPAASecurityChecks]) {
    for (const { ruleName, violatingResources } of new Pack().validateScope(stack).violations) {
      for (const { constructPath } of violatingResources) {
        found.push({ file, rule: ruleName, resource: constructPath.split("/").at(-1) });
      }
    }
  }
}
console.log(JSON.stringify(found));
