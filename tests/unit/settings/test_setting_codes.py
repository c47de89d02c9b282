"""Settings recognize rejections of writes that are done or overtaken."""

from __future__ import annotations

import pytest
from botocore.loaders import Loader
from ecrkeeper_server.settings.table import SETTINGS

ECR = Loader().load_service_model("ecr", "service-2")
CASES = [
    ("pull_through_cache_rules", "DeletePullThroughCacheRule", "PullThroughCacheRuleNotFound", True, "deleted before"),
    ("pull_through_cache_rules", "UpdatePullThroughCacheRule", "PullThroughCacheRuleNotFound", False, "cannot update"),
    ("pull_through_cache_rules", "CreatePullThroughCacheRule", "PullThroughCacheRuleAlreadyExists", False, "differs"),
    ("pull_through_cache_rules", "DeletePullThroughCacheRule", "TemplateNotFound", False, "another setting's code"),
    ("repository_creation_templates", "DeleteRepositoryCreationTemplate", "TemplateNotFound", True, "deleted before"),
    ("repository_creation_templates", "CreateRepositoryCreationTemplate", "TemplateAlreadyExists", False, "differs"),
    ("pull_time_update_exclusions", "RegisterPullTimeUpdateExclusion", "ExclusionAlreadyExists", True, "no value"),
    ("pull_time_update_exclusions", "DeregisterPullTimeUpdateExclusion", "ExclusionNotFound", True, "deleted before"),
    ("registry_policy", "DeleteRegistryPolicy", "RegistryPolicyNotFound", True, "deleted before"),
    ("registry_policy", "PutRegistryPolicy", "RegistryPolicyNotFound", False, "a put needs no policy"),
    ("signing_configuration", "DeleteSigningConfiguration", "SigningConfigurationNotFound", True, "deleted before"),
    ("scanning_configuration", "PutRegistryScanningConfiguration", "TemplateNotFound", False, "has no such code"),
]


@pytest.mark.parametrize(("name", "operation", "code", "done", "reason"), CASES)
def test_setting_recognizes_completed_write(name: str, operation: str, code: str, done: bool, reason: str) -> None:
    assert SETTINGS[name].already_done(operation, code) is done, reason


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_codes_belong_to_its_operations(name: str) -> None:
    setting = SETTINGS[name]
    declared = {
        error["shape"].removesuffix("Exception")
        for operation in setting.writes
        for error in ECR["operations"][operation].get("errors", ())
    }
    assert setting.gone | setting.exists <= declared
    for code in declared:
        if code.endswith(("AlreadyExists", "NotFound")) and not code.startswith(("Repository", "Secret", "Image")):
            assert setting.overtaken(code), f"{code} of {name} is not recognized"
