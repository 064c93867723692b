package dev.sennit.internal;

import java.io.ObjectStreamException;
import java.io.Serializable;

/**
 * What a dynamic proxy implements beside its own interface so that Java serialization writes something else in its place.
 * Public, as proxies of everybody's interfaces have to see it.
 */
public interface Travelling extends Serializable {
    /**
     * What is written instead, as {@link Serializable} describes it.
     *
     * @return an object that resolves to the proxy where it is read
     * @throws ObjectStreamException if it cannot travel
     */
    Object writeReplace() throws ObjectStreamException;
}
