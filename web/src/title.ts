import { useEffect } from 'react';

/** What this page is called, on it and in the browser's tab. */
export const PRODUCT = 'Ask about a company';

/** Sets the document's title: the name of the page, then that of the product. */
export function usePageTitle(page?: string) {
  useEffect(() => {
    document.title = page ? `${page} · ${PRODUCT}` : PRODUCT;
  }, [page]);
}
