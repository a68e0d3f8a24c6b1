"""The attribution rules of the sample company; they are asked before the owners file."""

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
"""
