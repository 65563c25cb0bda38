"""The actions of SNS by name."""

from mqbroker.aws.front.front import Handler
from mqbroker.aws.sns.publishing import Publisher
from mqbroker.aws.sns.subscription_actions import SubscriptionActions
from mqbroker.aws.sns.topic_actions import TopicActions


def handlers(topics: TopicActions, subscriptions: SubscriptionActions, publisher: Publisher) -> dict[str, Handler]:
    """What does each action."""
    return {
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
