//! The caching reverse proxy: viewers in, origins out, stored responses, the feed's follower.
