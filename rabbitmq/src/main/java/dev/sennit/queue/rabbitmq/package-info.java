/**
 * The broker in RabbitMQ: {@link dev.sennit.queue.rabbitmq.RabbitmqBroker}. Programs need only its address, {@code
 * rabbitmq://HOST}, for {@code Broker.open}.
 */
@NullMarked
package dev.sennit.queue.rabbitmq;

import org.jspecify.annotations.NullMarked;
