package shop;

import java.io.Serializable;

/** What a customer wants. */
public record Order(String item, int count) implements Serializable {}
