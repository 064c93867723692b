/**
 * Task queues that Celery's producers and workers share with those of Java:
 * {@code Broker.open("celery+redis://:PASSWORD@HOST/0")} or {@code celery+amqp://...}, see
 * {@link dev.sennit.queue.celery.CeleryBroker}.
 */
@NullMarked
package dev.sennit.queue.celery;

import org.jspecify.annotations.NullMarked;
