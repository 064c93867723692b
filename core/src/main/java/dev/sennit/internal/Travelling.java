package dev.sennit.internal;

import java.io.ObjectStreamException;
import java.io.Serializable;

/**
 * Implemented by dynamic proxies, beside their own interface, so that Java serialization writes a replacement. Public,
 * as the proxies of any interface need access to it.
 */
public interface Travelling extends Serializable {
    /**
     * Returns the replacement, as {@link Serializable} specifies.
     *
     * @return an object that resolves to the proxy where it is read
     * @throws ObjectStreamException if the proxy cannot be sent
     */
    Object writeReplace() throws ObjectStreamException;
}
