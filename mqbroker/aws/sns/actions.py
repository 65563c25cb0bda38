"""The actions of SNS by name."""

from mqbroker.aws.front.front import Handler
from mqbroker.aws.sns.platform_actions import PlatformActions
from mqbroker.aws.sns.publishing import Publisher
from mqbroker.aws.sns.sms_actions import SmsActions
from mqbroker.aws.sns.subscription_actions import SubscriptionActions
from mqbroker.aws.sns.topic_actions import TopicActions


def handlers(
    topics: TopicActions, subscriptions: SubscriptionActions, publisher: Publisher, platforms: PlatformActions,
    sms: SmsActions,
) -> dict[str, Handler]:  # fmt: skip
    """What does each action."""
    return {
        "CheckIfPhoneNumberIsOptedOut": sms.check_if_phone_number_is_opted_out,
        "CreatePlatformApplication": platforms.create_platform_application,
        "CreatePlatformEndpoint": platforms.create_platform_endpoint,
        "CreateSMSSandboxPhoneNumber": sms.create_sms_sandbox_phone_number,
        "DeleteEndpoint": platforms.delete_endpoint,
        "DeletePlatformApplication": platforms.delete_platform_application,
        "DeleteSMSSandboxPhoneNumber": sms.delete_sms_sandbox_phone_number,
        "GetDataProtectionPolicy": topics.get_data_protection_policy,
        "GetEndpointAttributes": platforms.get_endpoint_attributes,
        "GetPlatformApplicationAttributes": platforms.get_platform_application_attributes,
        "GetSMSAttributes": sms.get_sms_attributes,
        "GetSMSSandboxAccountStatus": sms.get_sms_sandbox_account_status,
        "ListEndpointsByPlatformApplication": platforms.list_endpoints_by_platform_application,
        "ListOriginationNumbers": sms.list_origination_numbers,
        "ListPhoneNumbersOptedOut": sms.list_phone_numbers_opted_out,
        "ListPlatformApplications": platforms.list_platform_applications,
        "ListSMSSandboxPhoneNumbers": sms.list_sms_sandbox_phone_numbers,
        "OptInPhoneNumber": sms.opt_in_phone_number,
        "PutDataProtectionPolicy": topics.put_data_protection_policy,
        "SetEndpointAttributes": platforms.set_endpoint_attributes,
        "SetPlatformApplicationAttributes": platforms.set_platform_application_attributes,
        "SetSMSAttributes": sms.set_sms_attributes,
        "VerifySMSSandboxPhoneNumber": sms.verify_sms_sandbox_phone_number,
        "AddPermission": topics.add_permission,
        "ConfirmSubscription": subscriptions.confirm_subscription,
        "CreateTopic": topics.create_topic,
        "DeleteTopic": topics.delete_topic,
        "GetSubscriptionAttributes": subscriptions.get_subscription_attributes,
        "GetTopicAttributes": topics.get_topic_attributes,
        "ListSubscriptions": subscriptions.list_subscriptions,
        "ListSubscriptionsByTopic": subscriptions.list_subscriptions_by_topic,
        "ListTagsForResource": topics.list_tags_for_resource,
        "ListTopics": topics.list_topics,
        "Publish": publisher.publish,
        "PublishBatch": publisher.publish_batch,
        "RemovePermission": topics.remove_permission,
        "SetSubscriptionAttributes": subscriptions.set_subscription_attributes,
        "SetTopicAttributes": topics.set_topic_attributes,
        "Subscribe": subscriptions.subscribe,
        "TagResource": topics.tag_resource,
        "Unsubscribe": subscriptions.unsubscribe,
        "UntagResource": topics.untag_resource,
    }
