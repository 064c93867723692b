package shop;

import java.io.Serializable;

/** What a customer gets. */
public record Receipt(Order order, int cents) implements Serializable {}
