/** What the gates found in a draft, as a person who decides about it needs it. */
import type { Schemas } from "../../lib/api.ts";

type Finding = Schemas["FindingOut"];

/** Problems before what is only to be checked; else as they came. Problems that are told without a finding are among them. */
export function gravest(draft: Pick<Schemas["DraftOut"], "findings" | "problems"> | null): Finding[] {
  const { findings = [], problems = [] } = draft ?? {};
  const bare = problems.filter((reason) => !findings.some((finding) => finding.severity === "block" && finding.reason === reason));
  const more = bare.map((reason): Finding => ({ gate: "", severity: "block", reason, start: 0, end: 0 }));
  return [...more, ...findings].toSorted((one, other) => Number(other.severity === "block") - Number(one.severity === "block"));
}

/** "1 problem, 3 to check"; empty without any. */
export function counted(findings: readonly Pick<Finding, "severity">[]): string {
  const problems = findings.filter((finding) => finding.severity === "block").length;
  const checks = findings.length - problems;
  return [problems ? `${problems} problem${problems > 1 ? "s" : ""}` : "", checks ? `${checks} to check` : ""].filter(Boolean).join(", ");
}
