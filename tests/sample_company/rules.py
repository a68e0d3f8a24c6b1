"""What the sample company decided: who pays, asked before the owners file, and what is shared."""

RULES_TOML = """\
# Who pays for what: the first rule that matches wins; after the last one the owners file is
# asked by API key, then by user, then by workspace. What nobody claims goes to suspense.
#
# A pattern is exact text, `glob:…` or `re2:…`, and is compared with the whole value.

[[rule]]
name = "support pays for its workspace"
match = { provider = "anthropic", workspace = "wrkspc_01Support" }
assign = { cost_centre = "CC-4400", team = "support", project = "helpdesk" }

[[rule]]
name = "search is shared by payments, data and support"
match = { provider = "openai", workspace = "re2:proj_search(_[a-z]+)?" }
assign = { cost_centre = "CC-9000", team = "shared", project = "search-index" }

[[rule]]
name = "translations are known by their tag"
match = { "tag:project" = "glob:translation*" }
assign = { cost_centre = "CC-4500", team = "growth", project = "translations" }

[[rule]]
name = "what is merged belongs to the owner of its repository"
match = { "tag:repository" = "glob:lindqvist-freight/*" }
assign = { owner_of = "tag:repository" }
"""

# With these the transcripts of coding assistants have owners, and may divide what is metered.
RULES_BY_REPOSITORY_TOML = (
    RULES_TOML
    + """
[[rule]]
name = "assistants in the refunds service"
match = { product = "claude-code", "tag:cwd" = "glob:*/refunds-service*" }
assign = { cost_centre = "CC-4100", team = "payments", project = "refunds" }

[[rule]]
name = "assistants in the build farm"
match = { product = "claude-code", "tag:cwd" = "glob:*/build-farm*" }
assign = { cost_centre = "CC-4200", team = "platform", project = "build-farm" }

[[rule]]
name = "assistants in forecasting"
match = { product = "claude-code", "tag:cwd" = "glob:*/forecasting*" }
assign = { cost_centre = "CC-4300", team = "data", project = "forecasting" }
"""
)

BUDGETS_CSV = """\
cost_centre,team,project,period,amount,currency
CC-4100,,,2026-10,2600,USD
CC-4100,payments,,2026-10,2400,USD
CC-4200,,,2026-10,3000,USD
CC-4200,platform,build-farm,2026-10,2000,USD
CC-4300,,,2026-07..2026-12,15000,USD
CC-4400,,,2026-10,1200,USD
"""

SHARING_TOML = """\
# Cost that several teams share: a pool collects it, a split gives it on by the month. A match looks
# at who would bear a charge (cost_centre, team, project, account) and at what it is for (provider,
# platform, billing_account, product, model, meter); a pattern is exact text, `glob:…` or `re2:…`.

[[pool]]
name = "search-index"
match = { team = "shared", project = "search-index" }

[[pool]]
name = "code-assistants"
match = { team = "shared", project = "claude-code" }

# Ten dollars for three: no cent is lost, and no nano.
[[split]]
name = "search serves three teams"
pool = "search-index"
by = "even"
among = ["CC-4100/payments", "CC-4300/data", "CC-4400/support"]

[[split]]
name = "assistants by people"
pool = "code-assistants"
by = "headcount"
among = ["CC-4100/*", "CC-4200/*", "CC-4300/*"]
"""

# What `metering demo` puts below the settings it starts with.
SETTINGS_TOML = """\
# --- What Lindqvist Freight says of itself; any of it may be left out. ---

[findings]
# The gateway's nightly work carries its job.
workflows = ["workflow_key", "tag:job"]

[outcomes.values]
# What finance says that one settled outcome is worth.
pull_request = "USD 180.00"
ticket = "USD 6.50"

[economics]
frontier = ["claude-opus-*"]
one_off = ["growth/translations"]

[economics.references]
"claude-opus-5" = "claude-sonnet-5"

[economics.explorations."growth/pitch-bot"]
cap = "USD 2500"
from = 2026-09-14
review = 2026-12-01

[economics.costs."support/helpdesk"]
services = "USD 400"

[[economics.incentives]]
name = "the autumn contest"
day = 2026-09-28
days = 21

[[economics.scenarios]]
name = "half of Opus on Sonnet"
route = ["claude-opus-5=claude-sonnet-5@50%"]

[[economics.scenarios]]
name = "Anthropic a fifth cheaper"
price_change = ["anthropic=-20%"]
"""
