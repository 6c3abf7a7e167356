"""Microsoft's own client makes, equips and unmakes an agent at the sandbox's Graph.

What setup and doctor ask of Graph is asked here by the SDK's own builders; its models have
the four types of an agent's objects, and its addresses are those of their bases.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from entraclaw.sandbox.sponsors import GROUPS
from parts.graph_sdk import MARKS, ClientOf, GraphStand, Sdk, asking, body, model, typed
from sandbox.administrator import Administrator

pytestmark = MARKS

_GRAPH = "00000003-0000-0000-c000-000000000000"


@dataclass(frozen=True, slots=True)
class Agent:
    """The models of its four objects, as they were answered."""

    blueprint: Any
    principal: Any
    identity: Any
    user: Any


async def make(admin: Sdk) -> Agent:
    graph = admin.graph
    new = model("agent_identity_blueprint.AgentIdentityBlueprint", display_name="Claw")
    blueprint = await admin.ask(graph.applications.post(new, typed()))
    new = model(
        "agent_identity_blueprint_principal.AgentIdentityBlueprintPrincipal",
        app_id=blueprint.app_id,
    )
    principal = await admin.ask(graph.service_principals.post(new, typed()))
    new = model(
        "agent_identity.AgentIdentity",
        display_name="Claw",
        agent_identity_blueprint_id=blueprint.app_id,
    )
    identity = await admin.ask(graph.service_principals.post(new, typed()))
    nickname = f"claw-{uuid.uuid4().hex[:8]}"
    new = model(
        "agent_user.AgentUser",
        account_enabled=True,
        display_name="Claw",
        mail_nickname=nickname,
        user_principal_name=f"{nickname}@contoso.example",
        identity_parent_id=identity.id,
    )
    user = await admin.ask(graph.users.post(new, typed()))
    return Agent(blueprint, principal, identity, user)


async def test_tenant_is_read(admin: Sdk) -> None:
    me, graph = admin.graph.me, admin.graph

    [own] = (await admin.ask(graph.organization.get())).value
    again = await admin.ask(graph.organization.by_organization_id(own.id).get())
    roles = await admin.ask(me.member_of.get())
    only = await admin.ask(me.member_of.graph_directory_role.get())
    everything = await admin.ask(me.transitive_member_of.get())
    pools = await admin.ask(graph.subscribed_skus.get())
    first = graph.subscribed_skus.by_subscribed_sku_id(pools.value[0].id)

    assert again.verified_domains[0].name == own.verified_domains[0].name
    assert [one.id for one in roles.value] == [one.id for one in everything.value]
    assert [one.id for one in only.value] == [one.id for one in roles.value]
    assert (await admin.ask(first.get())).prepaid_units.enabled


async def test_group_is_read(graph: GraphStand, client_of: ClientOf) -> None:
    token = Administrator.sign_in(graph.scene, scopes=["GroupMember.Read.All"]).token
    client = client_of(token)

    group = await client.ask(client.graph.groups.by_group_id(GROUPS[0].id).get())

    assert group.display_name == GROUPS[0].name


async def test_agent_is_made_object_by_object_and_unmade(admin: Sdk) -> None:
    """The models that the SDK has for an agent's four objects, at the addresses of their bases."""
    graph, bin_ = admin.graph, admin.graph.directory.deleted_items
    agent = await make(admin)

    assert agent.identity.agent_identity_blueprint_id == agent.blueprint.app_id
    assert agent.user.identity_parent_id == agent.identity.id
    await admin.ask(graph.users.by_user_id(agent.user.id).delete())
    for one in (agent.identity, agent.principal):
        await admin.ask(graph.service_principals.by_service_principal_id(one.id).delete())
    await admin.ask(graph.applications.by_application_id(agent.blueprint.id).delete())
    for listed in (bin_.graph_user, bin_.graph_service_principal, bin_.graph_application):
        assert (await admin.ask(listed.get())).value
    restored = bin_.by_directory_object_id(agent.user.id)
    assert (await admin.ask(restored.get())).id == agent.user.id
    assert (await admin.ask(restored.restore.post())).id == agent.user.id
    await admin.ask(graph.users.by_user_id(agent.user.id).delete())
    await admin.ask(restored.delete())


async def test_agent_is_found_and_changed(admin: Sdk) -> None:
    graph, agent = admin.graph, await make(admin)
    application = graph.applications.by_application_id(agent.blueprint.id)
    principal = graph.service_principals.by_service_principal_id(agent.identity.id)
    user = graph.users.by_user_id(agent.user.id)
    by_app = f"appId eq '{agent.blueprint.app_id}'"
    disabled = model("service_principal.ServicePrincipal", account_enabled=False)

    listed = asking(graph.applications, filter=by_app)
    [found] = (await admin.ask(graph.applications.get(listed))).value
    kept = await admin.ask(graph.applications_with_app_id(agent.blueprint.app_id).get())
    await admin.ask(application.patch(model("application.Application", display_name="Claw 2")))
    await admin.ask(principal.patch(disabled))
    await admin.ask(user.patch(model("user.User", usage_location="NL")))
    shown = await admin.ask(user.get(asking(user, select=["id", "usageLocation"])))
    children = asking(graph.service_principals, filter=by_app)
    [own] = (await admin.ask(graph.service_principals.get(children))).value

    assert found.id == kept.id == agent.blueprint.id
    assert (await admin.ask(application.get())).display_name == "Claw 2"
    assert not (await admin.ask(principal.get())).account_enabled
    assert shown.usage_location == "NL"
    assert own.id == agent.principal.id


async def test_sponsors_are_added_and_removed(admin: Sdk) -> None:
    graph, agent = admin.graph, await make(admin)
    grace = await admin.ask(graph.users.by_user_id("grace@contoso.example").get())
    named = f"{admin.base}/users/{grace.id}"
    reference = model("reference_create.ReferenceCreate", odata_id=named)
    sponsors = graph.users.by_user_id(agent.user.id).sponsors
    places = (
        f"applications/{agent.blueprint.id}/microsoft.graph.agentIdentityBlueprint",
        f"servicePrincipals/{agent.identity.id}/microsoft.graph.agentIdentity",
        f"users/{agent.user.id}",
    )

    for place in places:
        url = f"{admin.base}/{place}/sponsors"
        await admin.ask(sponsors.ref.with_url(f"{url}/$ref").post(reference))
        names = [one.id for one in (await admin.ask(sponsors.with_url(url).get())).value]
        one = sponsors.by_directory_object_id(grace.id).ref
        await admin.ask(one.with_url(f"{url}/{grace.id}/$ref").delete())
        assert grace.id in names


async def test_permissions_are_granted_and_revoked(admin: Sdk) -> None:
    graph, agent = admin.graph, await make(admin)
    resource = await admin.ask(graph.service_principals_with_app_id(_GRAPH).get())
    grant = model(
        "o_auth2_permission_grant.OAuth2PermissionGrant",
        client_id=agent.identity.id,
        consent_type="Principal",
        principal_id=agent.user.id,
        resource_id=resource.id,
        scope="User.Read",
        additional_data={"startTime": "2026-01-01T00:00:00Z"},
    )
    role = model(
        "app_role_assignment.AppRoleAssignment",
        principal_id=uuid.UUID(agent.identity.id),
        resource_id=uuid.UUID(resource.id),
        app_role_id=next(one.id for one in resource.app_roles if one.value == "User.ReadBasic.All"),
    )
    grants, own = (
        graph.oauth2_permission_grants,
        asking(graph.oauth2_permission_grants, filter=f"clientId eq '{agent.identity.id}'"),
    )
    client = graph.service_principals.by_service_principal_id(agent.identity.id)

    made = await admin.ask(grants.post(grant))
    one = grants.by_o_auth2_permission_grant_id(made.id)
    wider = model("o_auth2_permission_grant.OAuth2PermissionGrant", scope="User.Read Chat.Read")
    await admin.ask(one.patch(wider))
    [kept] = (await admin.ask(grants.get(own))).value
    assert (await admin.ask(client.oauth2_permission_grants.get())).value[0].id == made.id
    assert kept.scope == (await admin.ask(one.get())).scope == "User.Read Chat.Read"
    assert await admin.refused(grants.post(grant)) == (400, "Request_BadRequest")
    await admin.ask(one.delete())
    assigned = await admin.ask(client.app_role_assignments.post(role))
    assert [one.id for one in (await admin.ask(client.app_role_assignments.get())).value] == [
        assigned.id
    ]
    assignment = client.app_role_assignments.by_app_role_assignment_id(assigned.id)
    assert (await admin.ask(assignment.get())).resource_display_name == resource.display_name
    await admin.ask(assignment.delete())


async def test_licence_is_assigned_and_taken(admin: Sdk) -> None:
    graph, agent = admin.graph, await make(admin)
    user = graph.users.by_user_id(agent.user.id)
    [sku, *_] = (await admin.ask(graph.subscribed_skus.get())).value
    action = "users.item.assign_license.assign_license_post_request_body"
    adding = model("assigned_license.AssignedLicense", sku_id=sku.sku_id, disabled_plans=[])
    change = body(
        f"{action}.AssignLicensePostRequestBody", add_licenses=[adding], remove_licenses=[]
    )

    assert (await admin.refused(user.assign_license.post(change)))[0] == 400
    await admin.ask(user.patch(model("user.User", usage_location="NL")))
    licensed = await admin.ask(user.assign_license.post(change))
    [held] = (await admin.ask(user.license_details.get())).value

    assert [one.sku_id for one in licensed.assigned_licenses] == [sku.sku_id] == [held.sku_id]
